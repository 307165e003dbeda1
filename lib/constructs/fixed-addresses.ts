import { aws_ec2 as ec2, RemovalPolicy } from "aws-cdk-lib";
import { Construct } from "constructs";

/** An Elastic IP address. */
export interface FixedAddress {
  /** `eipalloc-…`. */
  readonly allocationId: string;
  /** IPv4. */
  readonly address: string;
}

export interface FixedAddressesProps {
  readonly count: number;
  /** @default RemovalPolicy.RETAIN: partners have these addresses in their firewalls */
  readonly removalPolicy?: RemovalPolicy;
}

/** Elastic IP addresses that outlive the load balancer they belong to, and the stack. */
export class FixedAddresses extends Construct {
  readonly addresses: readonly FixedAddress[];

  constructor(scope: Construct, id: string, props: FixedAddressesProps) {
    super(scope, id);
    this.addresses = Array.from({ length: props.count }, (_, index) => {
      const made = new ec2.CfnEIP(this, `Address${index + 1}`, { domain: "vpc" });
      made.applyRemovalPolicy(props.removalPolicy ?? RemovalPolicy.RETAIN);
      return { allocationId: made.attrAllocationId, address: made.attrPublicIp };
    });
  }
}
