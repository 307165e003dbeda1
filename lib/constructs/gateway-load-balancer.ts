import {
  aws_cloudwatch as cloudwatch,
  Duration,
  type aws_ec2 as ec2,
  aws_elasticloadbalancingv2 as elb,
} from "aws-cdk-lib";
import { Construct } from "constructs";
import { acknowledge } from "./acknowledge.ts";
import type { FixedAddress } from "./fixed-addresses.ts";
import type { IGatewayNetwork } from "./gateway-network.ts";
import type { PoolTargets } from "./gateway-pool.ts";
import { defaultPorts, type ListenerPorts, passivePortsOf } from "./gateway-ports.ts";

export interface WeightedPool {
  readonly targets: PoolTargets;
  /** The pool's share of new connections, against the sum of all. */
  readonly weight: number;
}

export interface GatewayLoadBalancerProps {
  readonly network: IGatewayNetwork;
  readonly securityGroup: ec2.ISecurityGroup;
  /** @default 22, 21, 990 and 50000 to 50019 */
  readonly ports?: ListenerPorts;
  readonly pools: readonly WeightedPool[];
  /** Fixed addresses, one for each edge subnet. @default none: the load balancer is internal */
  readonly addresses?: readonly FixedAddress[];
}

/** A client that is logged in may say nothing for as long; the gateway's keep-alives come every minute. */
const controlIdle = Duration.hours(1);
const dataIdle = Duration.seconds(350);

/**
 * A network load balancer with a listener for each port. New connections are shared out among the pools by weight
 * (weighted round robin); connections that exist stay where they are when a weight changes.
 */
export class GatewayLoadBalancer extends Construct {
  readonly loadBalancer: elb.NetworkLoadBalancer;

  constructor(scope: Construct, id: string, props: GatewayLoadBalancerProps) {
    super(scope, id);
    const { network, addresses, ports = defaultPorts } = props;
    this.loadBalancer = new elb.NetworkLoadBalancer(this, "LoadBalancer", {
      vpc: network.vpc,
      internetFacing: addresses !== undefined,
      securityGroups: [props.securityGroup],
      crossZoneEnabled: true,
      deletionProtection: true,
      ...placement(network, addresses),
    });
    acknowledge(
      this.loadBalancer,
      "AwsSolutions-ELB2",
      "Only TLS listeners write access logs; the VPC's flow log has the connections.",
    );
    this.#listen(ports.sftp, "sftp", props.pools);
    this.#listen(ports.ftps, "ftps", props.pools);
    this.#listen(ports.ftpsImplicit, "ftpsImplicit", props.pools);
    for (const port of passivePortsOf(ports)) this.#listen(port, "data", props.pools);
  }

  /** Tasks of a group that take connections. */
  metricHealthy(targets: PoolTargets[keyof PoolTargets]): cloudwatch.Metric {
    return this.#metric("HealthyHostCount", "Minimum", { TargetGroup: targets.targetGroupFullName });
  }

  metricActiveConnections(): cloudwatch.Metric {
    return this.#metric("ActiveFlowCount", "Maximum");
  }

  metricNewConnections(): cloudwatch.Metric {
    return this.#metric("NewFlowCount", "Sum");
  }

  metricBytes(): cloudwatch.Metric {
    return this.#metric("ProcessedBytes", "Sum");
  }

  /** Connections that the load balancer itself cut: no healthy task, or idle for too long. */
  metricResets(): cloudwatch.Metric {
    return this.#metric("TCP_ELB_Reset_Count", "Sum");
  }

  #metric(metricName: string, statistic: string, dimensions: Record<string, string> = {}): cloudwatch.Metric {
    return new cloudwatch.Metric({
      namespace: "AWS/NetworkELB",
      metricName,
      statistic,
      period: Duration.minutes(1),
      dimensionsMap: { LoadBalancer: this.loadBalancer.loadBalancerFullName, ...dimensions },
    });
  }

  #listen(port: number, name: keyof PoolTargets, pools: readonly WeightedPool[]): void {
    const weighted = pools.map(({ targets, weight }) => ({ targetGroup: targets[name], weight }));
    new elb.NetworkListener(this, `Port${port}`, {
      loadBalancer: this.loadBalancer,
      port,
      protocol: elb.Protocol.TCP,
      tcpIdleTimeout: name === "data" ? dataIdle : controlIdle,
      defaultAction: elb.NetworkListenerAction.weightedForward(weighted),
    });
  }
}

function placement(
  { edgeSubnets, gatewaySubnets }: IGatewayNetwork,
  addresses: readonly FixedAddress[] | undefined,
): Partial<elb.NetworkLoadBalancerProps> {
  if (addresses === undefined) return { vpcSubnets: { subnets: [...gatewaySubnets] } };
  const subnetMappings = edgeSubnets.map((subnet, index) => ({
    subnet,
    allocationId: addresses[index]?.allocationId,
  }));
  return { subnetMappings };
}
