import { Duration } from "aws-cdk-lib";
import type { Construct } from "constructs";
import type { AccountingBus } from "./accounting-bus.ts";
import { WorkQueue } from "./work-queue.ts";

/** How long a function may work on what its queue delivers. Moving a file of terabytes takes its time. */
export const functionTimeouts = {
  accounting: Duration.minutes(2),
  dispatch: Duration.minutes(15),
  alerts: Duration.minutes(2),
  scanResult: Duration.minutes(5),
} as const;

/** One for each function that acts on events. */
export type EventQueues = Readonly<Record<keyof typeof functionTimeouts, WorkQueue>>;

/** Makes the queues in `scope`, and has the bus fill all but that of GuardDuty's results: {@link ScanResults}. */
export function eventQueues(scope: Construct, bus: AccountingBus): EventQueues {
  const queue = (name: string, functionTimeout: Duration) => new WorkQueue(scope, name, { functionTimeout });
  const queues = {
    accounting: queue("AccountingWork", functionTimeouts.accounting),
    dispatch: queue("DispatchWork", functionTimeouts.dispatch),
    alerts: queue("AlertsWork", functionTimeouts.alerts),
    scanResult: queue("ScanResultWork", functionTimeouts.scanResult),
  };
  bus.addQueue("ToAccounting", queues.accounting);
  bus.addQueue("ToDispatch", queues.dispatch);
  bus.addQueue("ToAlerts", queues.alerts);
  return queues;
}
