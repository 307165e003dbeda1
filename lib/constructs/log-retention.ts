import { aws_logs as logs, RemovalPolicy } from "aws-cdk-lib";
import type { Construct } from "constructs";

/** Days that CloudWatch Logs keeps lines. */
export type LogRetention = logs.RetentionDays;

export const defaultLogRetention: LogRetention = logs.RetentionDays.THREE_MONTHS;

/** A log group that ends with its stack; what must be kept is in the audit archive. */
export function logGroup(scope: Construct, id: string, retention: LogRetention = defaultLogRetention): logs.LogGroup {
  return new logs.LogGroup(scope, id, { retention, removalPolicy: RemovalPolicy.DESTROY });
}
