import { aws_events as events, type aws_s3 as s3, type aws_sqs as sqs } from "aws-cdk-lib";
import { Construct } from "constructs";
import { deliveryTo } from "./accounting-bus.ts";
import type { WorkQueue } from "./work-queue.ts";

export interface ScanResultsProps {
  readonly bucket: s3.IBucket;
  readonly workQueue: WorkQueue;
  readonly undelivered: sqs.IQueue;
}

/** GuardDuty's results for one bucket, from the account's default bus into a queue. */
export class ScanResults extends Construct {
  constructor(scope: Construct, id: string, props: ScanResultsProps) {
    super(scope, id);
    new events.Rule(this, "Rule", {
      eventPattern: {
        source: ["aws.guardduty"],
        detailType: ["GuardDuty Malware Protection Object Scan Result"],
        detail: { s3ObjectDetails: { bucketName: [props.bucket.bucketName] } },
      },
      targets: [deliveryTo(props.workQueue, props.undelivered)],
    });
  }
}
