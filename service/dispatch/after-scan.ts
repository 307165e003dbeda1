import type { AccountingEvent } from "../../core/accounting-event.ts";
import { FileError } from "../../core/errors.ts";
import type { HeldEvents, StoreScan } from "../../ports/store-scan.ts";
import type { EventHandler } from "../consume/event-consumer.ts";

export interface AfterScanServices {
  readonly scan: StoreScan;
  readonly held: HeldEvents;
}

/**
 * Has a handler act on events about scanned places only when what is there was found clean. An event that is too early
 * is held, so that whoever hears of the verdict can hand it in again, and fails as one that may be tried again. An
 * infected file is left to whoever puts it away.
 */
export function afterScan(handler: EventHandler, services: AfterScanServices): EventHandler {
  return {
    ...handler,
    handle: async (event) => {
      if (await isFree(services, event)) await handler.handle(event);
    },
  };
}

/** False for an infected file. @throws FileError `unavailable`; `integrity` for a file that could not be scanned */
async function isFree({ scan, held }: AfterScanServices, event: AccountingEvent): Promise<boolean> {
  const { path, objectKey } = event.data;
  if (typeof objectKey !== "string" || !scan.covers(objectKey)) return true;
  let found = await scan.verdictOf(objectKey);
  if (found.verdict === "none") {
    await held.hold(objectKey, event);
    // A verdict that came in between has found nothing to hand in.
    found = await scan.verdictOf(objectKey);
  }
  switch (found.verdict) {
    case "clean":
    case "gone":
      return true;
    case "infected":
      return false;
    case "none":
      throw new FileError("unavailable", `${path} was not scanned yet`);
    case "failed":
      throw new FileError("integrity", `${path} could not be scanned: ${found.reason}`);
  }
}
