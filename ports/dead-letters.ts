import type { AccountingEvent } from "../core/accounting-event.ts";

/** An event that a consumer could not handle, with everything needed to try again. */
export interface DeadLetter {
  /** Made from the consumer's name and the event's id: one event is one letter of a consumer. */
  readonly id: string;
  readonly consumer: string;
  readonly event: AccountingEvent;
  /** One sentence for the operator. */
  readonly reason: string;
  /** How often it was tried, replays included. */
  readonly attempts: number;
  /** ISO 8601, of the last try. */
  readonly failedAt: string;
}

export interface DeadLetterPage {
  readonly letters: readonly DeadLetter[];
  /** Pass as `after` to go on; absent on the last page. */
  readonly next: string | undefined;
}

/** What was tried in vain and waits for somebody to look. */
export interface DeadLetters {
  /** Durable when it resolves; a letter with the same id is replaced. */
  put(letter: DeadLetter): Promise<void>;
  find(id: string): Promise<DeadLetter | undefined>;
  /** In the order of their ids, at most `limit` (≤ limits.deadLetterPageEntries). */
  list(options: { after?: string | undefined; limit: number }): Promise<DeadLetterPage>;
  /** Harmless when there is none. */
  remove(id: string): Promise<void>;
}
