import { aws_ec2 as ec2 } from "aws-cdk-lib";
import { Construct } from "constructs";
import { acknowledge } from "./acknowledge.ts";

export interface EdgeAclProps {
  readonly vpc: ec2.IVpc;
  readonly subnets: readonly ec2.ISubnet[];
  /** Networks to turn away; a network ACL has room for 15 beside its own rules. */
  readonly blocked: readonly string[];
}

/**
 * A network ACL that lets everything pass but the blocked networks: it works before the load balancer sees a packet.
 */
export class EdgeAcl extends Construct {
  constructor(scope: Construct, id: string, props: EdgeAclProps) {
    super(scope, id);
    const acl = new ec2.NetworkAcl(this, "Acl", {
      vpc: props.vpc,
      subnetSelection: { subnets: [...props.subnets] },
    });
    acknowledge(
      acl,
      "AwsSolutions-VPC3",
      "It turns blocked networks away before the load balancer; security groups cannot deny.",
    );
    props.blocked.forEach((network, index) => {
      acl.addEntry(`Blocked${index + 1}`, {
        ruleNumber: 10 + index,
        cidr: ec2.AclCidr.ipv4(network),
        traffic: ec2.AclTraffic.allTraffic(),
        direction: ec2.TrafficDirection.INGRESS,
        ruleAction: ec2.Action.DENY,
      });
    });
    for (const direction of [ec2.TrafficDirection.INGRESS, ec2.TrafficDirection.EGRESS]) {
      acl.addEntry(direction === ec2.TrafficDirection.INGRESS ? "AllIn" : "AllOut", {
        ruleNumber: 1000,
        cidr: ec2.AclCidr.anyIpv4(),
        traffic: ec2.AclTraffic.allTraffic(),
        direction,
        ruleAction: ec2.Action.ALLOW,
      });
    }
  }
}
