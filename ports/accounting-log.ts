import type { AccountingEvent, EventType } from "../core/accounting-event.ts";

export interface EventQuery {
  /** ISO 8601, inclusive. */
  readonly since?: string | undefined;
  /** ISO 8601, exclusive. */
  readonly until?: string | undefined;
  readonly types?: readonly EventType[] | undefined;
  readonly account?: string | undefined;
  readonly peer?: string | undefined;
  /** Exactly this path, or everything below it when it ends in `/`; `*` stands for any characters. */
  readonly path?: string | undefined;
  /** At most limits.eventPageEntries. */
  readonly limit: number;
  /** From an earlier page; it stays valid while new events arrive. */
  readonly cursor?: string | undefined;
  /** `asc` reads on from old to new (the default), `desc` shows the newest first. */
  readonly order?: "asc" | "desc" | undefined;
}

export interface EventPage {
  readonly events: readonly AccountingEvent[];
  /** Absent when there is nothing more; a page with fewer events than asked for may have one. */
  readonly cursor: string | undefined;
  /** For each of the events, the cursor of what comes behind it, whether or not there is anything yet. */
  readonly cursors: readonly string[];
  /** Of a query from old to new: the cursor of what comes behind all that was looked at, found or not. */
  readonly reached: string | undefined;
}

/** An upload or download whose start is on record and whose end is not. */
export interface UnfinishedTransfer {
  readonly started: AccountingEvent;
}

/** The durable record of what happened. */
export interface AccountingLog {
  /**
   * Resolves when the event is durable: a crash of the machine cannot lose it. Appending an id again changes
   * nothing. Appends are answered in their order, so waiting for the last waits for all. Whoever reads may find events
   * a moment later, and in another order, where a bus lies between: `query` and `find` say what was put on record
   * there.
   * @throws FileError `unavailable` when the record cannot be made.
   */
  append(event: AccountingEvent): Promise<void>;
  query(query: EventQuery): Promise<EventPage>;
  find(eventId: string): Promise<AccountingEvent | undefined>;
  /** Transfers left open by a crash, oldest first. */
  unfinishedTransfers(): Promise<readonly UnfinishedTransfer[]>;
  /**
   * The starts of sessions whose end is not on record, oldest first. A log with one writer answers those of the time
   * since the last start of the server but one; a log that several processes write to at a time, those of this process
   * and of processes that died, without the sessions over HTTP, which no process has for itself.
   */
  unfinishedSessions(): Promise<readonly AccountingEvent[]>;
  close(): Promise<void>;
}
