import { CfnOutput, Duration, Stack, type StackProps } from "aws-cdk-lib";
import type { Construct } from "constructs";
import type { Stage } from "../configuration/schema.ts";
import { AccountingBus } from "../constructs/accounting-bus.ts";
import type { FileBucket } from "../constructs/file-bucket.ts";
import { ScanResults } from "../constructs/scan-results.ts";
import { WorkQueue } from "../constructs/work-queue.ts";

export interface EventsStackProps extends StackProps {
  readonly stage: Stage;
  readonly files: FileBucket;
}

/** How long a function may work on what its queue delivers. Moving a file of terabytes takes its time. */
export const functionTimeouts = {
  accounting: Duration.minutes(2),
  dispatch: Duration.minutes(15),
  alerts: Duration.minutes(2),
  scanResult: Duration.minutes(2),
} as const;

export type WorkQueues = Readonly<Record<keyof typeof functionTimeouts, WorkQueue>>;

/** What follows an operation: the bus, its archive, and a queue for each function that acts on events. */
export class EventsStack extends Stack {
  readonly bus: AccountingBus;
  readonly queues: WorkQueues;

  constructor(scope: Construct, id: string, props: EventsStackProps) {
    super(scope, id, props);
    const queue = (name: string, functionTimeout: Duration) => new WorkQueue(this, name, { functionTimeout });
    this.bus = new AccountingBus(this, "Accounting", { archiveDays: props.stage.retention.eventDays });
    new CfnOutput(this, "BusName", { value: this.bus.bus.eventBusName });
    this.queues = {
      accounting: queue("AccountingWork", functionTimeouts.accounting),
      dispatch: queue("DispatchWork", functionTimeouts.dispatch),
      alerts: queue("AlertsWork", functionTimeouts.alerts),
      scanResult: queue("ScanResultWork", functionTimeouts.scanResult),
    };
    this.bus.addQueue("ToAccounting", this.queues.accounting);
    this.bus.addQueue("ToDispatch", this.queues.dispatch);
    this.bus.addQueue("ToAlerts", this.queues.alerts);
    new ScanResults(this, "ScanResults", {
      bucket: props.files.bucket,
      workQueue: this.queues.scanResult,
      undelivered: this.bus.undelivered,
    });
  }
}
