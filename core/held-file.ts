import type { AccountingEvent } from "./accounting-event.ts";
import { FileError } from "./errors.ts";
import { parseVirtualPath, type VirtualPath } from "./virtual-path.ts";

/**
 * `waiting` for a verdict; `infected`; `failed` when there is none and it is not tried any more. What is clean is not
 * here any more.
 */
export type HeldState = "waiting" | "infected" | "failed";

/** A file in quarantine: nobody but an operator can read it. */
export interface HeldFile {
  /** Of the upload, or of the scan that a rule asked for. */
  readonly transferId: string;
  /** Empty where a scanner of the store found the file and nobody knows whose it is; so is `sha256` then. */
  readonly accountName: string;
  readonly path: VirtualPath;
  /** Where it belongs in the store. */
  readonly objectKey: string;
  readonly bytes: number;
  readonly sha256: string;
  /** The version that the upload found at its place, and replaces. */
  readonly replacesEtag: string | undefined;
  /** ISO 8601: when the upload was complete. */
  readonly heldAt: string;
  /** What brought it here. */
  readonly event: AccountingEvent;
  readonly state: HeldState;
  /** What was found, or why there is no verdict. */
  readonly reason?: string | undefined;
  /** Milliseconds since the epoch, of the last change of `state`. */
  readonly since: number;
  /** Later uploads of the same content to the same path, which were not kept beside this one. */
  readonly repeats?: Repeats | undefined;
}

export interface Repeats {
  readonly count: number;
  /** The last of them, and when it was complete (ISO 8601). */
  readonly transferId: string;
  readonly heldAt: string;
}

export interface HeldPage {
  readonly files: readonly HeldFile[];
  /** Pass as `after` to go on; absent on the last page. */
  readonly next: string | undefined;
}

/** How much a quarantine may hold. */
export interface QuarantineBounds {
  readonly files: number;
  readonly bytes: number;
}

/** The file that the end of a held upload tells of. @throws FileError `integrity` for an event that tells of none. */
export function heldFileOf(event: AccountingEvent, since: number): HeldFile {
  const { account, data, time } = event;
  const [transferId, path, objectKey, sha256] = [data.transferId, data.path, data.objectKey, data.sha256].map(String);
  if (!account || transferId === undefined || objectKey === undefined || sha256 === undefined) {
    throw new FileError("integrity", "the event tells of no file in quarantine");
  }
  return {
    transferId,
    accountName: account.name,
    path: parseVirtualPath(path ?? ""),
    objectKey,
    bytes: Number(data.bytes),
    sha256,
    replacesEtag: typeof data.replacesEtag === "string" ? data.replacesEtag : undefined,
    heldAt: time,
    event,
    state: "waiting",
    since,
  };
}

/** True for the end of an upload that nobody can read yet. */
export function isHeldUpload({ type, data }: AccountingEvent): boolean {
  return type === "transfer.completed" && data.direction === "upload" && data.quarantined === true;
}

/** Where the content of a held file lies in the store of the quarantine. */
export function contentKey(transferId: string): string {
  return `content/${transferId}`;
}
