import type { AccountingEvent } from "../core/accounting-event.ts";
import type { AlertLane } from "../core/alert-rule.ts";

/** One event that is to be told along one lane. */
export interface AlertDelivery {
  /** The same for the same event and lane. */
  readonly id: string;
  readonly lane: AlertLane;
  readonly event: AccountingEvent;
  /** Milliseconds since the epoch. */
  readonly acceptedAtMs: number;
}

export interface PlacedDelivery extends AlertDelivery {
  /** Rises in the order in which deliveries were added. */
  readonly position: number;
}

/** What waits in a lane. */
export interface PendingDeliveries {
  /** The oldest, in their order, at most as many as were asked for. */
  readonly first: readonly PlacedDelivery[];
  readonly last: PlacedDelivery | undefined;
  readonly count: number;
}

/** What is yet to be told. It survives a crash of the machine. Every method throws FileError `unavailable`. */
export interface AlertOutbox {
  /** Resolves when they are durable. A delivery that is known, also one that was settled, is left as it is. */
  add(deliveries: readonly AlertDelivery[]): Promise<void>;
  /** The lanes in which something waits. */
  lanes(): Promise<readonly AlertLane[]>;
  pending(lane: AlertLane, limit: number): Promise<PendingDeliveries>;
  /** Everything in the lane up to this position is dealt with; it stays known for limits.alertRetentionMs. */
  settle(lane: AlertLane, position: number): Promise<void>;
  /** Forgets what waits in the lane up to this position, so that the same delivery may be added again. */
  withdraw(lane: AlertLane, position: number): Promise<void>;
  close(): Promise<void>;
}
