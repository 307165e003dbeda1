import { aws_cloudwatch as cloudwatch, Duration } from "aws-cdk-lib";
import { Construct } from "constructs";
import type { AccountingBus } from "./accounting-bus.ts";
import type { EventCounts } from "./event-counts.ts";
import type { FileApi } from "./file-api.ts";
import type { GatewayLoadBalancer } from "./gateway-load-balancer.ts";
import type { GatewayPool } from "./gateway-pool.ts";
import type { ProductFunctions } from "./product-functions.ts";
import type { WorkQueue } from "./work-queue.ts";

export interface OperationsDashboardProps {
  readonly gateway: {
    readonly pools: readonly { readonly name: string; readonly pool: GatewayPool }[];
    readonly loadBalancer: GatewayLoadBalancer;
  };
  readonly events: { readonly bus: AccountingBus; readonly queues: Readonly<Record<string, WorkQueue>> };
  readonly functions: ProductFunctions;
  readonly api: { readonly api: FileApi };
  readonly counts: EventCounts;
}

/** One page: who comes in, how the gateway does, what follows, and what went wrong. */
export class OperationsDashboard extends Construct {
  constructor(scope: Construct, id: string, props: OperationsDashboardProps) {
    super(scope, id);
    const dashboard = new cloudwatch.Dashboard(this, "Page", { defaultInterval: Duration.hours(12) });
    const { loadBalancer, pools } = props.gateway;
    dashboard.addWidgets(
      graph("Connections", [loadBalancer.metricActiveConnections(), loadBalancer.metricNewConnections()]),
      graph("Bytes", [loadBalancer.metricBytes()]),
      graph("Connections cut by the load balancer", [loadBalancer.metricResets()]),
    );
    dashboard.addWidgets(
      graph(
        "Gateway",
        pools.flatMap(({ name, pool }) => [
          pool.metricCpu().with({ label: `${name}: processors` }),
          pool.metricMemory().with({ label: `${name}: memory` }),
        ]),
      ),
      graph(
        "Tasks that take connections",
        pools.map(({ name, pool }) => loadBalancer.metricHealthy(pool.targets.sftp).with({ label: name })),
      ),
      graph("Transfers", [props.counts.metric("completedTransfers"), props.counts.metric("abortedTransfers")]),
    );
    dashboard.addWidgets(
      graph("Refused", [props.counts.metric("refusedLogins"), props.counts.metric("refusedOperations")]),
      graph("What went wrong", [
        props.counts.metric("failedDispatches"),
        props.counts.metric("failedAlerts"),
        props.counts.metric("infectedFiles"),
        props.counts.metric("failedScans"),
      ]),
      graph(
        "Oldest message, in seconds",
        named(props.events.queues, (queue) => queue.metricOldestAge()),
      ),
    );
    dashboard.addWidgets(
      graph(
        "Functions: p95",
        named(props.functions.all, (placed) => placed.metricDuration()),
      ),
      graph(
        "Functions: errors",
        named(props.functions.all, (placed) => placed.metricErrors()),
      ),
      graph("HTTP API", [
        props.api.api.metricRequests(),
        props.api.api.metricServerErrors(),
        props.api.api.metricLatency(),
      ]),
    );
  }
}

function graph(title: string, left: cloudwatch.IMetric[]): cloudwatch.GraphWidget {
  return new cloudwatch.GraphWidget({ title, left, width: 8, height: 6, leftYAxis: { min: 0 } });
}

function named<Item>(
  items: Readonly<Record<string, Item>>,
  metricOf: (item: Item) => cloudwatch.Metric,
): cloudwatch.IMetric[] {
  return Object.entries(items).map(([label, item]) => metricOf(item).with({ label }));
}
