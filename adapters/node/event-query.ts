import { FileError } from "../../core/errors.ts";
import { parseInstant } from "../../core/instant.ts";
import { limits } from "../../core/limits.ts";
import type { EventQuery } from "../../ports/accounting-log.ts";

export type EventOrder = "asc" | "desc";

/** @throws FileError `invalid-argument` for a page that is not of 1 to limits.eventPageEntries events */
export function checkPageLimit({ limit }: EventQuery): void {
  if (Number.isInteger(limit) && limit >= 1 && limit <= limits.eventPageEntries) return;
  throw new FileError("invalid-argument", `a page has 1 to ${limits.eventPageEntries} events`, { field: "limit" });
}

/** Milliseconds since the epoch. @throws FileError `invalid-argument` with the `field` for what is no ISO 8601 */
export function instantOf(text: string | undefined, field: "since" | "until"): number | undefined {
  if (text === undefined) return undefined;
  const instantMs = parseInstant(text);
  if (instantMs !== undefined) return instantMs;
  throw new FileError("invalid-argument", `${field} is not an ISO 8601 date-time`, { field });
}

/** A place in a list of events, for a client to come back to. */
export function cursorOf(place: string, order: EventOrder): string {
  return Buffer.from(`${order} ${place}`).toString("base64url");
}

/** The place that a cursor of this order was made of; it is what a client sent. @throws FileError `invalid-argument` */
export function placeOf(cursor: string, order: EventOrder, isPlace: (text: string) => boolean): string {
  const text = Buffer.from(cursor, "base64url").toString();
  const place = text.slice(order.length + 1);
  if (isPlace(place) && cursorOf(place, order) === cursor) return place;
  throw new FileError("invalid-argument", "the cursor is not from an earlier page of this query", { field: "cursor" });
}
