import type { AccountingEvent } from "../../core/accounting-event.ts";
import { asciiJson } from "../../core/ascii-json.ts";
import { FileError } from "../../core/errors.ts";
import type { AccountingLog } from "../../ports/accounting-log.ts";
import type { ObjectOrigins, ObjectVersion } from "../../ports/object-origins.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import type { Runtime } from "../../ports/runtime.ts";
import { transferEventId } from "../session/transfer.ts";

/** What a scanner that watches the store by itself found in one version of an object. */
export interface StoreVerdict extends ObjectVersion {
  readonly verdict: "clean" | "infected" | "failed";
  /** What was found, or why there is no verdict. Empty for a clean object. */
  readonly reason: string;
  /** Names the scanner. */
  readonly scanner: string;
}

export interface StoreVerdictServices {
  readonly objects: Pick<ObjectStore, "stat" | "ensureDirectory" | "move">;
  readonly accounting: Pick<AccountingLog, "append" | "find">;
  readonly origins: ObjectOrigins;
  readonly runtime: Runtime;
  readonly serverName: string;
}

/** Where infected objects go; no account may have its home there. */
export const quarantineFolder = ".quarantine";

/** True for what is in quarantine: what a scanner finds there is known. */
export function isQuarantined(objectKey: string): boolean {
  return objectKey.startsWith(`${quarantineFolder}/`);
}

/**
 * Puts a verdict on record, as that of the upload that made the object, and an infected object into quarantine. It may
 * be told the same verdict again.
 * @param isLast nobody will ask again: an upload that is not on record yet is done without
 * @throws FileError `unavailable` to be asked again
 */
export async function settleStoreVerdict(
  services: StoreVerdictServices,
  verdict: StoreVerdict,
  isLast: boolean,
): Promise<void> {
  if (isQuarantined(verdict.objectKey)) return;
  const transferId = await services.origins.transferOf(verdict);
  const upload = transferId === undefined ? undefined : await uploadOf(services, transferId, isLast);
  // A copy has the origin of its original, and a verdict of its own.
  const isCopy = upload !== undefined && upload.data.objectKey !== verdict.objectKey;
  const origin = isCopy || transferId === undefined ? digestOf(services.runtime, verdict) : transferId;
  const quarantine = verdict.verdict === "infected" ? await putAway(services, verdict, origin) : undefined;
  await services.accounting.append(eventOf(services, { verdict, origin, upload, quarantine }));
}

/** Events take a while from the bus into the index, and a scanner may be faster. */
async function uploadOf(
  { accounting }: StoreVerdictServices,
  transferId: string,
  isLast: boolean,
): Promise<AccountingEvent | undefined> {
  const upload = await accounting.find(transferEventId(transferId, "transfer.completed"));
  if (upload || isLast) return upload;
  throw new FileError("unavailable", "the upload of a scanned file is not on record yet");
}

/** Where the object is now; undefined when another version has taken its place, or it is gone. */
async function putAway(
  { objects }: StoreVerdictServices,
  { objectKey, etag }: StoreVerdict,
  origin: string,
): Promise<string | undefined> {
  const folder = `${quarantineFolder}/${origin}`;
  const target = `${folder}/${objectKey.slice(objectKey.lastIndexOf("/") + 1)}`;
  if ((await objects.stat(objectKey))?.etag === etag) {
    await objects.ensureDirectory(folder);
    await objects.move(objectKey, target, { overwrite: true });
    return target;
  }
  return (await objects.stat(target)) === undefined ? undefined : target;
}

interface SettledVerdict {
  readonly verdict: StoreVerdict;
  readonly origin: string;
  readonly upload: AccountingEvent | undefined;
  readonly quarantine: string | undefined;
}

function eventOf(
  { runtime, serverName }: StoreVerdictServices,
  { verdict: { objectKey, verdict, reason, scanner }, origin, upload, quarantine }: SettledVerdict,
): AccountingEvent {
  const { path, shown, transfer } = subjectOf(objectKey, upload);
  const found = verdict === "infected" ? { signature: reason } : { reason };
  return {
    id: `${origin}.scan.${verdict}`,
    type: `scan.${verdict}`,
    time: new Date(runtime.now()).toISOString(),
    server: serverName,
    ...(upload?.account && { account: upload.account }),
    protocol: "system",
    message: messageOf(shown, verdict, reason),
    data: {
      ...transfer,
      ...path,
      objectKey,
      ...(verdict !== "clean" && found),
      ...(quarantine !== undefined && { quarantine }),
      scanner,
      ...(upload && { cause: upload.id }),
    },
  };
}

/**
 * The file as its upload names it. The event is none of a release: rules about uploads wait for the verdict themselves.
 */
function subjectOf(objectKey: string, upload: AccountingEvent | undefined) {
  const { durationMs, direction, path: uploadedAs, ...transfer } = upload?.data ?? {};
  if (typeof uploadedAs !== "string") return { transfer, path: {}, shown: objectKey };
  const isInPlace = transfer.objectKey === objectKey;
  return isInPlace
    ? { transfer, path: { path: uploadedAs }, shown: uploadedAs }
    : { transfer, path: { uploadedAs }, shown: objectKey };
}

function messageOf(shown: string, verdict: StoreVerdict["verdict"], reason: string): string {
  if (verdict === "clean") return `${shown} was scanned and is clean`;
  if (verdict === "infected") return `${shown} is infected with ${reason} and was put into quarantine`;
  return `${shown} could not be scanned: ${reason}`;
}

const originLength = 32;

function digestOf({ sha256 }: Pick<Runtime, "sha256">, { objectKey, etag, versionId }: ObjectVersion): string {
  const digest = sha256();
  const text = asciiJson([objectKey, versionId ?? etag]);
  digest.update(Uint8Array.from(text, (character) => character.charCodeAt(0)));
  return `object-${digest.hex().slice(0, originLength)}`;
}
