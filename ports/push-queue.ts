import type { AccountingEvent } from "../core/accounting-event.ts";

/** An event whose rules have come to a push. */
export interface QueuedPush {
  /** Rises in the order in which pushes were added; never given to another one. */
  readonly position: number;
  /** The name of the destination. */
  readonly destination: string;
  readonly event: AccountingEvent;
  /** How often it was tried. */
  readonly attempts: number;
  /** Not before this moment, in milliseconds since the epoch. */
  readonly dueAtMs: number;
}

export interface WaitingPushes {
  readonly destination: string;
  readonly count: number;
}

/** Pushes that are to be done, a queue for each destination. It survives a crash. @throws FileError `unavailable`. */
export interface PushQueue {
  /** One that waits for the same event begins anew: at another position, and as if it had never been tried. */
  add(destination: string, event: AccountingEvent): Promise<void>;
  /** The destinations for which something waits. */
  waiting(): Promise<readonly WaitingPushes[]>;
  /** Those that are due first, at most `limit`, among equals in the order in which they were added. */
  first(destination: string, limit: number): Promise<readonly QueuedPush[]>;
  /** Harmless when the push is gone. */
  postpone(position: number, state: Pick<QueuedPush, "attempts" | "dueAtMs">): Promise<void>;
  /** The push is dealt with. Harmless when it is gone. */
  settle(position: number): Promise<void>;
}
