import type { AccountingEvent } from "../../core/accounting-event.ts";
import { FileError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import { isReserved } from "../../core/reserved-place.ts";
import { transferEventId } from "../session/transfer.ts";
import { putAway } from "./put-away.ts";
import {
  isInPlace,
  type StoreVerdict,
  type StoreVerdictServices,
  verdictEvent,
  versionNameOf,
} from "./store-finding.ts";

/**
 * Puts a verdict on record, as that of the upload that made the object, and what nobody is to read into quarantine. It
 * may be told the same verdict again. What an operator let out is left as it is, whatever is found in it.
 * @param isLast nobody will ask again: an upload that is not on record yet is done without
 * @throws FileError `unavailable` to be asked again
 */
export async function settleStoreVerdict(
  services: StoreVerdictServices,
  verdict: StoreVerdict,
  isLast: boolean,
): Promise<void> {
  // What a scanner finds in quarantine is known.
  if (isReserved(verdict.objectKey)) return;
  const { origins, isHeldInPlace = () => false } = services;
  if (verdict.verdict !== "clean" && (await origins.isReleased(verdict))) return;
  const transferId = await origins.transferOf(verdict);
  const upload = transferId === undefined ? undefined : await uploadOf(services, transferId, isLast);
  const finding = { verdict, upload };
  const isUnreadable = verdict.verdict === "failed" && isHeldInPlace(verdict.objectKey);
  if (verdict.verdict === "infected" || isUnreadable) return putAway(services, finding, transferId);
  // A copy has the origin of its original, and a verdict of its own.
  const origin = transferId !== undefined && isInPlace(finding) ? transferId : versionNameOf(services, verdict);
  await services.accounting.append(verdictEvent(services, finding, { origin }));
}

/** Events take some seconds from the bus into the index, and a scanner may be faster. */
async function uploadOf(
  { accounting, runtime, pause }: StoreVerdictServices,
  transferId: string,
  isLast: boolean,
): Promise<AccountingEvent | undefined> {
  const endMs = runtime.now() + limits.verdictRecordMs;
  for (;;) {
    const upload = await accounting.find(transferEventId(transferId, "transfer.completed"));
    if (upload) return upload;
    if (!pause || runtime.now() >= endMs) break;
    await pause(limits.verdictRecordRetryMs);
  }
  if (isLast) return undefined;
  throw new FileError("unavailable", "the upload of a scanned file is not on record yet");
}
