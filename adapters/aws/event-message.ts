import type { SQSRecord } from "aws-lambda";
import { type AccountingEvent, asAccountingEvent } from "../../core/accounting-event.ts";

/** The accounting event in a message that EventBridge put into a queue; undefined for anything else. */
export function eventOfMessage({ body }: Pick<SQSRecord, "body">): AccountingEvent | undefined {
  try {
    const envelope: unknown = JSON.parse(body);
    return asAccountingEvent((envelope as { readonly detail?: unknown } | null)?.detail);
  } catch {
    return undefined;
  }
}

/** How often the queue has delivered the message, this time included. */
export function receiveCountOf({ attributes }: Pick<SQSRecord, "attributes">): number {
  return Number(attributes.ApproximateReceiveCount) || 1;
}
