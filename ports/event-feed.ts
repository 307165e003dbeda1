import type { AccountingEvent } from "../core/accounting-event.ts";

export interface PlacedEvent {
  /** Greater than that of every event before it in the log; never given to another event. */
  readonly position: number;
  readonly event: AccountingEvent;
}

/** The accounting log as a stream, for those who act on events in the order in which they became durable. */
export interface EventFeed {
  /** The position of the newest durable event; 0 in an empty log. */
  end(): Promise<number>;
  /** At most `limit` (≤ limits.eventPageEntries) events behind the position, oldest first. */
  readBehind(position: number, limit: number): Promise<readonly PlacedEvent[]>;
  /** Calls `listener` soon after events have become durable, once for several. The answer ends that. */
  onAppend(listener: () => void): () => void;
}
