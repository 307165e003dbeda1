import { aws_cloudwatch as cloudwatch, Duration, Stack, type StackProps } from "aws-cdk-lib";
import type { Construct } from "constructs";
import type { Stage } from "../configuration/schema.ts";
import { EventCounts } from "../constructs/event-counts.ts";
import type { GatewayLoadBalancer } from "../constructs/gateway-load-balancer.ts";
import type { GatewayPool } from "../constructs/gateway-pool.ts";
import { OperationsDashboard } from "../constructs/operations-dashboard.ts";
import { RunbookAlarms } from "../constructs/runbook-alarms.ts";
import { metricWaiting } from "../constructs/work-queue.ts";
import type { ApiStack } from "./api-stack.ts";
import type { EventsStack } from "./events-stack.ts";
import type { FunctionsStack } from "./functions-stack.ts";
import type { GatewayStack } from "./gateway-stack.ts";
import type { StoreStack } from "./store-stack.ts";

export interface ObservabilityStackProps extends StackProps {
  readonly stage: Stage;
  readonly store: StoreStack;
  readonly events: EventsStack;
  readonly functions: FunctionsStack;
  readonly gateway: GatewayStack;
  readonly api: ApiStack;
}

/** What tells people that something is wrong, and what they look at then. */
export class ObservabilityStack extends Stack {
  readonly alarms: RunbookAlarms;

  constructor(scope: Construct, id: string, props: ObservabilityStackProps) {
    super(scope, id, props);
    const { stage, store, events, functions, gateway, api } = props;
    const { functions: placed } = functions;
    const encryptionKey = store.encryptionKey.reference(this, "Key");
    this.alarms = new RunbookAlarms(this, "Alarms", { addresses: stage.mail.alarms, encryptionKey });
    const counts = new EventCounts(this, "Counts", { logGroup: placed.accounting.logGroup });
    for (const { name, weight, pool } of gateway.pools) {
      if (weight > 0) this.#watchPool(name, pool, gateway.loadBalancer);
    }
    if (gateway.internal) this.#watchPool("corporate", gateway.internal.pool, gateway.internal.loadBalancer);
    this.#watchQueues(events, functions);
    this.#watchFunctions(functions);
    this.#watchApi(api);
    this.#watchStore(store);
    this.#watchEvents(counts);
    new OperationsDashboard(this, "Dashboard", { ...props, functions: placed, counts });
  }

  #watchPool(name: string, pool: GatewayPool, loadBalancer: GatewayLoadBalancer): void {
    for (const [door, targets] of Object.entries(pool.targets)) {
      this.alarms.add(`NoTask-${name}-${door}`, {
        heading: "No gateway task takes connections",
        metric: loadBalancer.metricHealthy(targets),
        threshold: 1,
        wrong: "below",
        periods: 3,
        missing: cloudwatch.TreatMissingData.BREACHING,
      });
    }
    this.alarms.add(`GatewayErrors-${name}`, {
      heading: "The gateway reports errors",
      metric: pool.metricErrors(),
      threshold: 5,
      periods: 2,
    });
    const metrics = { Processors: pool.metricCpu(), Memory: pool.metricMemory() };
    for (const [what, metric] of Object.entries(metrics)) {
      this.alarms.add(`${what}-${name}`, { heading: "The gateway is full", metric, threshold: 85, periods: 3 });
    }
  }

  #watchQueues({ queues, bus }: EventsStack, { functions: { missedSchedules } }: FunctionsStack): void {
    for (const [name, queue] of Object.entries(queues)) {
      this.alarms.add(`GivenUp-${name}`, {
        heading: "A function gave messages up",
        metric: queue.metricDeadLetters(),
        threshold: 0,
      });
      this.alarms.add(`Behind-${name}`, {
        heading: "A function does not keep up",
        metric: queue.metricOldestAge(),
        threshold: Duration.minutes(15).toSeconds(),
        periods: 3,
      });
    }
    this.alarms.add("Undelivered", {
      heading: "Events could not be delivered",
      metric: bus.metricUndelivered(),
      threshold: 0,
    });
    this.alarms.add("MissedSchedules", {
      heading: "A scheduled function did not run",
      metric: metricWaiting(missedSchedules, "missed"),
      threshold: 0,
    });
  }

  #watchFunctions({ functions }: FunctionsStack): void {
    for (const [name, placed] of Object.entries(functions.all)) {
      const heading = name === "custom-auth" ? "Logins cannot be decided" : "A function fails";
      this.alarms.add(`Errors-${name}`, { heading, metric: placed.metricErrors(), threshold: 3 });
      this.alarms.add(`Throttles-${name}`, {
        heading: "Functions are throttled",
        metric: placed.metricThrottles(),
        threshold: 0,
        periods: 2,
      });
    }
  }

  #watchApi({ api }: ApiStack): void {
    this.alarms.add("ApiErrors", {
      heading: "The HTTP API fails",
      metric: api.metricServerErrors(),
      threshold: 5,
      periods: 2,
    });
  }

  #watchStore({ table }: StoreStack): void {
    this.alarms.add("TableThrottled", {
      heading: "The table is throttled",
      metric: table.metricThrottledRequests(),
      threshold: 0,
      periods: 2,
    });
  }

  #watchEvents(counts: EventCounts): void {
    const watched = [
      ["RefusedLogins", "Many logins are refused", counts.metric("refusedLogins"), 100],
      ["AbortedTransfers", "Many transfers are aborted", counts.metric("abortedTransfers"), 20],
      ["FailedDispatches", "Dispatch rules fail", counts.metric("failedDispatches"), 0],
      ["FailedAlerts", "Alerts do not arrive", counts.metric("failedAlerts"), 0],
      ["InfectedFiles", "An infected file was received", counts.metric("infectedFiles"), 0],
      ["FailedScans", "Files could not be scanned", counts.metric("failedScans"), 0],
      ["ExpiringCertificate", "The certificate expires", counts.metric("expiringCertificates"), 0],
    ] as const;
    for (const [id, heading, metric, threshold] of watched) this.alarms.add(id, { heading, metric, threshold });
    this.alarms.add("Bounces", {
      heading: "Alerts do not arrive",
      metric: new cloudwatch.Metric({
        namespace: "AWS/SES",
        metricName: "Reputation.BounceRate",
        period: Duration.hours(1),
        statistic: "Average",
      }),
      threshold: 0.05,
    });
  }
}
