import type { aws_ec2 as ec2 } from "aws-cdk-lib";
import type { GatewayEndpoints } from "./gateway-endpoints.ts";
import type { IGatewayNetwork } from "./gateway-network.ts";

export interface ExistingNetworkProps {
  /** Of the load balancer, one in each zone, with a route to an internet gateway. @default the public ones */
  readonly edgeSubnets?: ec2.SubnetSelection;
  /** Of the tasks, in the same zones. @default the isolated ones, and without any the private ones */
  readonly gatewaySubnets?: ec2.SubnetSelection;
  /** @default the VPC's own ways to AWS are used: its endpoints have to let the tasks' group in */
  readonly endpoints?: GatewayEndpoints;
}

/**
 * A VPC of the app as the place of a gateway. It has to know the address ranges of its subnets, as one that the app
 * made and one that was looked up do; `ImportedNetwork` is for one that is known by names only.
 */
export function existingNetwork(vpc: ec2.IVpc, props: ExistingNetworkProps = {}): IGatewayNetwork {
  const edgeSubnets = subnetsOf(vpc, props.edgeSubnets ?? { subnets: vpc.publicSubnets });
  const inner = vpc.isolatedSubnets.length > 0 ? vpc.isolatedSubnets : vpc.privateSubnets;
  const gatewaySubnets = subnetsOf(vpc, props.gatewaySubnets ?? { subnets: inner });
  return {
    vpc,
    edgeSubnets,
    gatewaySubnets,
    trustedProxies: [...edgeSubnets, ...gatewaySubnets].map(({ ipv4CidrBlock }) => ipv4CidrBlock),
    endpoints: props.endpoints,
  };
}

/** A load balancer takes one subnet of a zone. */
function subnetsOf(vpc: ec2.IVpc, selection: ec2.SubnetSelection): ec2.ISubnet[] {
  return vpc.selectSubnets({ ...selection, onePerAz: true }).subnets;
}
