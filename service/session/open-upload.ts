import type { Account } from "../../core/account.ts";
import { FileError } from "../../core/errors.ts";
import { contentKey } from "../../core/held-file.ts";
import type { ObjectWriter, StoredEntry } from "../../ports/object-store.ts";
import type { Recorder } from "./recorder.ts";
import type { OpenedUpload, ResumableUploads } from "./resumable-uploads.ts";
import type { SessionServices } from "./services.ts";
import { type Target, TransferRecord, type TransferSubject } from "./transfer.ts";
import { Upload, type UploadOptions } from "./upload.ts";
import { isScanned, openQuarantined, unscannable, verdictSoon } from "./upload-quarantine.ts";
import { UploadResumption } from "./upload-resumption.ts";

/** What an upload stands on: also one that no client has asked for. */
export type UploadServices = Pick<SessionServices, "objects" | "runtime" | "quarantine" | "isHeldInPlace">;

/** Gives a writer that the store knows by the transferId. */
export type OpenWriter = (transferId: string) => Promise<ObjectWriter>;

export interface UploadStart {
  readonly recorder: Recorder;
  readonly subject: Omit<TransferSubject, "direction">;
  /** What is there; `update` and `append` build on it. */
  readonly entry: StoredEntry | undefined;
  /** Whose folder it is: its settings say whether the file has to be scanned. */
  readonly account: Account;
  readonly ended: (upload: Upload) => void;
  /** By default the store gives an empty one. */
  readonly open?: OpenWriter | undefined;
  /** Where the upload is kept when it breaks off; undefined for one that nobody can go on with. */
  readonly resumable?: ResumableUploads | undefined;
}

/**
 * Starts an upload to a place that has been found free for it, or into the quarantine where the file has to be scanned
 * before anybody reads it. @throws FileError what the store refuses.
 */
export async function openUpload(
  services: UploadServices,
  { recorder, subject, entry, account, ended, open, resumable }: UploadStart,
  options: UploadOptions,
): Promise<Upload> {
  const { objects, quarantine, runtime } = services;
  const { objectKey, path } = subject;
  const isHeld = goesIntoQuarantine(services, account, subject);
  const keepsContent = options.mode === "update" || options.mode === "append";
  if (isHeld && keepsContent && quarantine?.quarantine.isHeld(objectKey)) {
    throw new FileError("unavailable", `an earlier upload of ${path} is being scanned; try again later`);
  }
  if (isHeld && open) throw new FileError("unsupported", `files for ${path} are scanned, so they come in one request`);
  const existing = entry && keepsContent ? await objects.openRead(objectKey) : undefined;
  const transferId = runtime.newId();
  const place = placeOf(services, subject, isHeld ? transferId : undefined);
  const upload = { accountName: account.name, objectKey, transferId };
  const resumption =
    isHeld || open || !resumable
      ? undefined
      : new UploadResumption({ services, uploads: resumable, upload, hasExisting: existing !== undefined });
  const openPlain = async (): Promise<OpenedUpload> => {
    const openInPlace = open ?? (() => objects.openWrite(objectKey, transferId));
    const opening = isHeld && quarantine ? openQuarantined(objects, quarantine, upload) : openInPlace(transferId);
    return { writer: await opening, kept: undefined };
  };
  const opened = await (resumption?.open(keepsContent) ?? openPlain()).catch(async (error: unknown) => {
    await existing?.close();
    if (error instanceof FileError && error.code === "quota-exceeded") await recordRefusal(recorder, subject, error);
    throw error;
  });
  const record = new TransferRecord(services, recorder, {
    ...{ ...subject, direction: "upload", transferId },
    quarantine: isHeld ? heldFrom(entry) : undefined,
    resumption: resumption?.recordOf(opened),
  });
  record.start();
  const parts = {
    ...{ opened, existing, resumption, record },
    sha256: runtime.sha256(),
    published: async () => {
      const outcome = await place.store.outcomeOf(place.objectKey, transferId);
      return outcome === "published" ? place.store.stat(place.objectKey) : undefined;
    },
    discard: async () => {
      if (isHeld) quarantine?.quarantine.leave(objectKey, transferId);
      if (isHeld) quarantine?.quarantine.room.leave(transferId);
      await place.store.discard(transferId);
      await resumption?.end();
    },
    ended,
    ...(isHeld && quarantine && { verdict: () => verdictSoon(quarantine, transferId) }),
  };
  return new Upload(parts, options);
}

/** @throws FileError `unavailable` where the file has to be scanned and nothing keeps it from being read before */
function goesIntoQuarantine(
  { quarantine, isHeldInPlace }: UploadServices,
  account: Account,
  { path, objectKey }: Target,
): boolean {
  if (!isScanned(quarantine, account, path)) return false;
  if (!quarantine && isHeldInPlace?.(objectKey) !== true) throw unscannable(account, path);
  return quarantine !== undefined;
}

/** For whoever has to make room: nothing of the file has come, so there is no transfer that could say it. */
async function recordRefusal(recorder: Recorder, { path, objectKey }: Target, { message }: FileError): Promise<void> {
  const data = { path, objectKey, direction: "upload", reason: message };
  await recorder.record({ type: "scan.refused", message: `upload of ${path} refused: ${message}`, data });
}

/** Whether it matters to an upload what is there: who replaces it, whatever it is, hears of a folder when it opens. */
export function needsEntry(
  { quarantine }: UploadServices,
  { account, path }: Pick<UploadStart, "account"> & Pick<TransferSubject, "path">,
  { mode, mustExist, replacesEtag }: UploadOptions,
): boolean {
  const isConditional = mode !== "replace" || mustExist === true || replacesEtag !== undefined;
  return isConditional || isScanned(quarantine, account, path);
}

function heldFrom(entry: StoredEntry | undefined): TransferSubject["quarantine"] {
  return entry?.type === "file" ? { quarantined: true, replacesEtag: entry.etag } : { quarantined: true };
}

/** Where the bytes of an upload get to when it is complete. */
export function placeOf(
  { objects, quarantine }: Pick<SessionServices, "objects" | "quarantine">,
  { objectKey }: Pick<Target, "objectKey">,
  heldAs: string | undefined,
) {
  if (heldAs === undefined || !quarantine) return { store: objects, objectKey };
  return { store: quarantine.quarantine.store, objectKey: contentKey(heldAs) };
}
