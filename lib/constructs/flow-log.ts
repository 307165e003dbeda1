import { aws_ec2 as ec2, aws_iam as iam, type aws_logs as logs } from "aws-cdk-lib";
import { Construct } from "constructs";
import { type LogRetention, logGroup } from "./log-retention.ts";

export interface FlowLogProps {
  readonly vpc: ec2.IVpc;
  /** @default 90 days */
  readonly logRetention?: LogRetention;
}

/** Who connected to whom: a load balancer of TCP listeners writes no log of its own. */
export class FlowLog extends Construct {
  readonly logGroup: logs.LogGroup;

  constructor(scope: Construct, id: string, props: FlowLogProps) {
    super(scope, id);
    this.logGroup = logGroup(this, "Lines", props.logRetention);
    const role = new iam.Role(this, "Role", { assumedBy: new iam.ServicePrincipal("vpc-flow-logs.amazonaws.com") });
    new ec2.FlowLog(this, "Log", {
      resourceType: ec2.FlowLogResourceType.fromVpc(props.vpc),
      destination: ec2.FlowLogDestination.toCloudWatchLogs(this.logGroup, role),
      trafficType: ec2.FlowLogTrafficType.ALL,
    });
  }
}
