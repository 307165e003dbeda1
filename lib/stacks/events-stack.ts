import { CfnOutput, Stack, type StackProps } from "aws-cdk-lib";
import type { Construct } from "constructs";
import type { Stage } from "../configuration/schema.ts";
import { AccountingBus } from "../constructs/accounting-bus.ts";
import { type EventQueues, eventQueues } from "../constructs/event-queues.ts";
import type { FileBucket } from "../constructs/file-bucket.ts";
import { ScanResults } from "../constructs/scan-results.ts";

export interface EventsStackProps extends StackProps {
  readonly stage: Stage;
  readonly files: FileBucket;
}

/** What follows an operation: the bus, its archive, and a queue for each function that acts on events. */
export class EventsStack extends Stack {
  readonly bus: AccountingBus;
  readonly queues: EventQueues;

  constructor(scope: Construct, id: string, props: EventsStackProps) {
    super(scope, id, props);
    this.bus = new AccountingBus(this, "Accounting", { archiveDays: props.stage.retention.eventDays });
    new CfnOutput(this, "BusName", { value: this.bus.bus.eventBusName });
    this.queues = eventQueues(this, this.bus);
    new ScanResults(this, "ScanResults", {
      bucket: props.files.bucket,
      workQueue: this.queues.scanResult,
      undelivered: this.bus.undelivered,
    });
  }
}
