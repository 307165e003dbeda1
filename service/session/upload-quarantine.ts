import type { Account } from "../../core/account.ts";
import { FileError } from "../../core/errors.ts";
import { contentKey } from "../../core/held-file.ts";
import { requiresScan, type ScanScope } from "../../core/scan-scope.ts";
import type { VirtualPath } from "../../core/virtual-path.ts";
import type { ObjectStore, ObjectWriter, PublishOptions } from "../../ports/object-store.ts";
import type { Quarantine } from "../scan/quarantine.ts";
import type { Settled } from "../scan/settlement.ts";

/** What uploads and renames have to know of scanning. */
export interface UploadQuarantine {
  readonly quarantine: Quarantine;
  /** What the whole server demands, besides what accounts and groups do. */
  scope(): ScanScope | undefined;
  /** What became of an upload, when that is known soon. */
  settled(transferId: string): Promise<Settled | undefined>;
}

/** Whether a file that the account puts there has to be scanned before anybody reads it. */
export function isScanned(
  quarantine: UploadQuarantine | undefined,
  { scan, groups }: Pick<Account, "scan" | "groups">,
  path: VirtualPath,
): boolean {
  return requiresScan([quarantine?.scope(), scan, ...groups.map((group) => group.scan)], path);
}

/**
 * An upload that has to be scanned where nothing scans, as in the gateway on AWS; names whose `scan` demands it.
 * The code is `unavailable`.
 */
export function unscannable({ name, scan, groups }: Account, path: VirtualPath): FileError {
  const group = requiresScan([scan], path) ? undefined : groups.find((one) => requiresScan([one.scan], path));
  const rule = group ? `group ${group.name}, scan` : `account ${name}, scan`;
  return new FileError("unavailable", `${rule}: files for ${path} have to be scanned, and nothing scans them here`);
}

/** An upload that is to be held. */
export interface HeldUpload {
  readonly transferId: string;
  readonly accountName: string;
  readonly objectKey: string;
}

/**
 * The way into the quarantine: what the client asked of the publishing is asked of the place that the file is for.
 * @throws FileError `quota-exceeded` when there is no more room, at the beginning and with each write
 */
export async function openQuarantined(
  objects: ObjectStore,
  quarantine: UploadQuarantine,
  { transferId, accountName, objectKey }: HeldUpload,
): Promise<ObjectWriter> {
  const { store, room } = quarantine.quarantine;
  room.take(transferId, accountName, 0);
  const writer = await store.openWrite(contentKey(transferId), transferId).catch((error: unknown) => {
    room.leave(transferId);
    throw error;
  });
  return {
    write: async (chunk) => {
      room.take(transferId, accountName, chunk.length);
      await writer.write(chunk);
    },
    flush: () => writer.flush(),
    keep: () => writer.keep(),
    abort: () => writer.abort(),
    publish: async ({ modifiedAtMs, ...conditions }) => {
      await assertConditions(objects, objectKey, conditions);
      quarantine.quarantine.reserve(objectKey, transferId);
      return writer.publish({ modifiedAtMs });
    },
  };
}

async function assertConditions(
  objects: ObjectStore,
  objectKey: string,
  { exclusive, replacesEtag }: PublishOptions,
): Promise<void> {
  const entry = await objects.stat(objectKey);
  if (entry?.type === "directory") throw new FileError("not-a-file", "what has this name is not a file");
  if (exclusive && entry) throw new FileError("already-exists", "a file with this name exists");
  if (replacesEtag !== undefined && replacesEtag !== entry?.etag) {
    throw new FileError("precondition-failed", "the file is not the version that was to be replaced");
  }
}

/**
 * The end of an upload that is held: its verdict, where that comes soon, so that the client finds its file. Later ones
 * are for those who read the record. @throws FileError `integrity` for a file that was found infected.
 */
export function verdictSoon(
  { settled }: UploadQuarantine,
  transferId: string,
): () => Promise<{ readonly etag: string } | undefined> {
  const known = settled(transferId);
  return async () => {
    const result = await known;
    if (result?.outcome !== "infected") return result;
    throw new FileError("integrity", `the file was refused: ${result.signature} was found in it`);
  };
}
