import type { AccountingEvent } from "../core/accounting-event.ts";

/**
 * `none`: nothing was said yet. `failed`: it could not be looked at, and `reason` says why. `gone`: there is no such
 * object.
 */
export type PlaceVerdict =
  | { readonly verdict: "clean" | "infected" | "none" | "gone" }
  | { readonly verdict: "failed"; readonly reason: string };

/** A scanner that watches the store by itself, and looks at objects where they are. */
export interface StoreScan {
  /** Whether it looks at what gets to this place. */
  covers(objectKey: string): boolean;
  /** Whether nobody can read what is there before it is found clean: what cannot be scanned is put away then. */
  isHeld(objectKey: string): boolean;
  /** What it said of the object that is there now. @throws FileError `unavailable` */
  verdictOf(objectKey: string): Promise<PlaceVerdict>;
}

/** Events that wait for what a scanner says of an object. All methods throw FileError `unavailable`. */
export interface HeldEvents {
  /** An event that is held already is held once. */
  hold(objectKey: string, event: AccountingEvent): Promise<void>;
  heldFor(objectKey: string): Promise<readonly AccountingEvent[]>;
  forget(objectKey: string, eventId: string): Promise<void>;
}
