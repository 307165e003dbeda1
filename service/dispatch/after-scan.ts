import type { AccountingEvent } from "../../core/accounting-event.ts";
import { FileError } from "../../core/errors.ts";
import type { HeldEvents, PlaceVerdict, StoreScan } from "../../ports/store-scan.ts";
import type { EventHandler } from "../consume/event-consumer.ts";

/** A scanner of the store itself, and what waits for it. */
export interface StoreScanning {
  readonly scan: StoreScan;
  readonly held: HeldEvents;
}

/**
 * Has a handler act on events about scanned places only when what is there was found clean. An event that is too early
 * is held, so that whoever hears of the verdict can hand it in again, and fails as one that may be tried again. What is
 * put away is left to whoever does that.
 */
export function afterScan(handler: EventHandler, scanning: StoreScanning): EventHandler {
  return {
    ...handler,
    handle: async (event) => {
      if (await isFree(scanning, event)) await handler.handle(event);
    },
  };
}

/** False for a file that is put away. @throws FileError `unavailable`; `integrity` for one that could not be scanned */
async function isFree(scanning: StoreScanning, event: AccountingEvent): Promise<boolean> {
  const { path, objectKey } = event.data;
  if (typeof objectKey !== "string" || !scanning.scan.covers(objectKey)) return true;
  const found = await verdictFor(scanning, { path: `${path}`, objectKey }, event);
  if (found.verdict === "infected") return false;
  if (found.verdict !== "failed") return true;
  if (scanning.scan.isHeld(objectKey)) return false;
  throw new FileError("integrity", `${path} could not be scanned: ${found.reason}`);
}

/**
 * What was said of what is there now.
 * @param event handed in again when there is a verdict @throws FileError `unavailable` until then
 */
export async function verdictFor(
  { scan, held }: StoreScanning,
  { path, objectKey }: { readonly path: string; readonly objectKey: string },
  event: AccountingEvent,
): Promise<PlaceVerdict> {
  const found = await scan.verdictOf(objectKey);
  if (found.verdict !== "none") return found;
  await held.hold(objectKey, event);
  // A verdict that came in between has found nothing to hand in.
  const later = await scan.verdictOf(objectKey);
  if (later.verdict === "none") throw new FileError("unavailable", `${path} was not scanned yet`);
  return later;
}
