import type { AccountingEvent } from "../../core/accounting-event.ts";
import type { DeadLetter } from "../../ports/dead-letters.ts";
import type { Runtime } from "../../ports/runtime.ts";
import { reasonOf } from "./retry.ts";

export interface Failure {
  readonly event: AccountingEvent;
  readonly error: unknown;
  /** How often the event was tried, replays included. */
  readonly attempts: number;
}

/** The letter of a failure of this consumer, at this moment. */
export function deadLetterOf(
  consumer: string,
  { event, error, attempts }: Failure,
  { now }: Pick<Runtime, "now">,
): DeadLetter {
  const failedAt = new Date(now()).toISOString();
  return { id: deadLetterId(consumer, event.id), consumer, event, reason: reasonOf(error), attempts, failedAt };
}

/**
 * Letters are told apart by consumer and event alone, so that the same failure is never two letters. Claims for the
 * work on an event are named `LETTER_ID/…`: they are remembered as long as the event may be replayed.
 */
export function deadLetterId(consumer: string, eventId: string): string {
  return `${consumer}.${eventId}`;
}
