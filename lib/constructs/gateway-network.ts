import { aws_ec2 as ec2 } from "aws-cdk-lib";
import { Construct } from "constructs";
import { EdgeAcl } from "./edge-acl.ts";
import { FlowLog } from "./flow-log.ts";
import { GatewayEndpoints } from "./gateway-endpoints.ts";
import type { LogRetention } from "./log-retention.ts";

export interface GatewayNetworkProps {
  /** Of the VPC: a /16 to a /22. */
  readonly cidr: string;
  /** Availability Zones by name, two or three. */
  readonly zones: readonly string[];
  /** @default 90 days */
  readonly logRetention?: LogRetention;
  /** Networks that the edge turns away. @default none, and no network ACL of ours */
  readonly blockedSources?: readonly string[];
}

/** The network that the gateway stands in, whoever made it. */
export interface IGatewayNetwork {
  readonly vpc: ec2.IVpc;
  /** Of the load balancer's addresses, one a zone. */
  readonly edgeSubnets: readonly ec2.ISubnet[];
  /** Of the tasks, one a zone; without a route to the internet. */
  readonly gatewaySubnets: readonly ec2.ISubnet[];
  /** Of both kinds, in CIDR form: whence a PROXY header may come. */
  readonly trustedProxies: readonly string[];
  /** What may reach the interface endpoints; undefined where they are somebody else's. */
  readonly endpoints?: GatewayEndpoints;
}

/**
 * A VPC with two tiers. The edge holds nothing but the load balancer's fixed addresses; the tasks are in isolated
 * subnets and reach AWS through endpoints. There is no NAT, so a task that is taken over can call nobody.
 */
export class GatewayNetwork extends Construct implements IGatewayNetwork {
  readonly vpc: ec2.Vpc;
  readonly edgeSubnets: readonly ec2.ISubnet[];
  readonly gatewaySubnets: readonly ec2.ISubnet[];
  readonly trustedProxies: readonly string[];
  readonly endpoints: GatewayEndpoints;

  constructor(scope: Construct, id: string, props: GatewayNetworkProps) {
    super(scope, id);
    this.vpc = new ec2.Vpc(this, "Vpc", {
      ipAddresses: ec2.IpAddresses.cidr(props.cidr),
      availabilityZones: [...props.zones],
      natGateways: 0,
      subnetConfiguration: [
        { name: "gateway", subnetType: ec2.SubnetType.PRIVATE_ISOLATED, cidrMask: 24 },
        { name: "edge", subnetType: ec2.SubnetType.PUBLIC, cidrMask: 27, mapPublicIpOnLaunch: false },
      ],
      // It would take a function of CDK's with a role that may change every group; nothing here uses the default one.
      restrictDefaultSecurityGroup: false,
    });
    this.edgeSubnets = this.vpc.publicSubnets;
    this.gatewaySubnets = this.vpc.isolatedSubnets;
    this.trustedProxies = [...this.edgeSubnets, ...this.gatewaySubnets].map(({ ipv4CidrBlock }) => ipv4CidrBlock);
    this.endpoints = new GatewayEndpoints(this, "Endpoints", {
      vpc: this.vpc,
      subnets: this.gatewaySubnets,
      routeTableIds: this.gatewaySubnets.map(({ routeTable }) => routeTable.routeTableId),
    });
    new FlowLog(this, "FlowLog", { vpc: this.vpc, logRetention: props.logRetention });
    const blocked = props.blockedSources ?? [];
    if (blocked.length > 0) new EdgeAcl(this, "EdgeAcl", { vpc: this.vpc, subnets: this.edgeSubnets, blocked });
  }
}
