import { aws_ec2 as ec2 } from "aws-cdk-lib";
import { Construct } from "constructs";
import { acknowledge } from "./acknowledge.ts";
import { GatewayEndpoints } from "./gateway-endpoints.ts";
import type { IGatewayNetwork } from "./gateway-network.ts";

export interface ImportedNetworkSubnet {
  readonly id: string;
  readonly zone: string;
  readonly cidr: string;
}

export interface ImportedNetworkProps {
  readonly vpcId: string;
  readonly cidr: string;
  readonly edgeSubnets: readonly ImportedNetworkSubnet[];
  readonly gatewaySubnets: readonly ImportedNetworkSubnet[];
  /** Route tables of the gateway subnets, to make the endpoints with. @default the VPC has the endpoints already */
  readonly routeTableIds?: readonly string[];
}

/** A VPC of a landing zone. Nothing is looked up, so that synthesis needs no account. */
export class ImportedNetwork extends Construct implements IGatewayNetwork {
  readonly vpc: ec2.IVpc;
  readonly edgeSubnets: readonly ec2.ISubnet[];
  readonly gatewaySubnets: readonly ec2.ISubnet[];
  readonly trustedProxies: readonly string[];
  readonly endpoints?: GatewayEndpoints;

  constructor(scope: Construct, id: string, props: ImportedNetworkProps) {
    super(scope, id);
    acknowledge(this, "Annotation::@aws-cdk/aws-ec2:noSubnetRouteTableId", "Route tables are given apart.");
    this.vpc = ec2.Vpc.fromVpcAttributes(this, "Vpc", {
      vpcId: props.vpcId,
      vpcCidrBlock: props.cidr,
      availabilityZones: props.gatewaySubnets.map(({ zone }) => zone),
      publicSubnetIds: props.edgeSubnets.map(({ id: subnetId }) => subnetId),
      isolatedSubnetIds: props.gatewaySubnets.map(({ id: subnetId }) => subnetId),
    });
    this.edgeSubnets = props.edgeSubnets.map((subnet) => this.#subnet(`Edge-${subnet.zone}`, subnet));
    this.gatewaySubnets = props.gatewaySubnets.map((subnet) => this.#subnet(`Gateway-${subnet.zone}`, subnet));
    this.trustedProxies = [...props.edgeSubnets, ...props.gatewaySubnets].map(({ cidr }) => cidr);
    if (props.routeTableIds !== undefined) {
      const { routeTableIds } = props;
      this.endpoints = new GatewayEndpoints(this, "Endpoints", {
        vpc: this.vpc,
        subnets: this.gatewaySubnets,
        routeTableIds,
      });
    }
  }

  #subnet(id: string, { id: subnetId, zone, cidr }: ImportedNetworkSubnet): ec2.ISubnet {
    return ec2.Subnet.fromSubnetAttributes(this, id, { subnetId, availabilityZone: zone, ipv4CidrBlock: cidr });
  }
}
