import type { SQSRecord } from "aws-lambda";
import { type AccountingEvent, asAccountingEvent } from "../../core/accounting-event.ts";

/** What of an event of EventBridge matters here. */
export interface EventMessage {
  readonly detail: AccountingEvent;
}

/** The accounting event in a message that EventBridge put into a queue; undefined for anything else. */
export function eventOfMessage({ body }: Pick<SQSRecord, "body">): AccountingEvent | undefined {
  try {
    const message: Partial<Record<keyof EventMessage, unknown>> | null = JSON.parse(body);
    return asAccountingEvent(message?.detail);
  } catch {
    return undefined;
  }
}

/** How often the queue has delivered the message, this time included. */
export function receiveCountOf({ attributes }: Pick<SQSRecord, "attributes">): number {
  return Number(attributes.ApproximateReceiveCount) || 1;
}
