import type { AccountingEvent } from "../../core/accounting-event.ts";
import type { DispatchPlan } from "../../core/dispatch.ts";
import { FileError } from "../../core/errors.ts";
import { FolderMap } from "../../core/folder-map.ts";
import type { VirtualPath } from "../../core/virtual-path.ts";
import { type ContentDigest, digestOf } from "../session/content-digest.ts";
import type { DispatchServices } from "./dispatch-services.ts";

/** The file of an event, wherever the steps before have put it. */
export interface DispatchedFile {
  /** Whose path `path` is. */
  readonly accountName: string;
  readonly path: VirtualPath;
  readonly objectKey: string;
  /** What the file holds, where that is known: other content at the path is another file. */
  readonly sha256: string | undefined;
  /** The version that is known to have this content. */
  readonly etag: string | undefined;
}

/** The file that the event says is there. Undefined when it does not say where that lies, and its account is gone. */
export async function fileOf(
  { accounts }: DispatchServices,
  { data }: AccountingEvent,
  { accountName, path }: DispatchPlan,
): Promise<DispatchedFile | undefined> {
  const objectKey = typeof data.objectKey === "string" ? data.objectKey : await placeOf(accounts, accountName, path);
  if (objectKey === undefined) return undefined;
  const [sha256, etag] = [data.sha256, data.etag].map((value) => (typeof value === "string" ? value : undefined));
  return { accountName, path, objectKey, sha256, etag };
}

async function placeOf(accounts: DispatchServices["accounts"], accountName: string, path: VirtualPath) {
  const account = await accounts.find(accountName);
  return account && new FolderMap(account).objectKeyFor(path);
}

/** Why there is nothing to do with a file that is not there. */
export const goneReason = "it is not there any more";

/** One version of a file. */
export interface PinnedContent extends ContentDigest {
  readonly modifiedAtMs: number;
}

/**
 * What is at the file's place, when that is the file. A change of its attributes alone, which some clients make after
 * an upload, gives it another etag, so that its content has to be read.
 * @returns why there is nothing to do, when it is gone or another one
 */
export async function pin(services: DispatchServices, file: DispatchedFile): Promise<PinnedContent | string> {
  const entry = await services.objects.stat(file.objectKey);
  if (entry?.type === "directory") return "it is a folder";
  if (!entry) return goneReason;
  if (file.sha256 !== undefined && entry.etag === file.etag) {
    return { bytes: entry.size, sha256: file.sha256, etag: entry.etag, modifiedAtMs: entry.modifiedAtMs };
  }
  const found = await digestOf(services, file.objectKey);
  if (!found) return goneReason;
  if (file.sha256 === undefined || found.sha256 === file.sha256) {
    return { ...found, modifiedAtMs: entry.modifiedAtMs };
  }
  return "it was replaced by another file, which has an event of its own";
}

/**
 * Removes the file, and nothing that has taken its place, also in the last moment.
 * @returns why there is nothing to do, when it is gone or another one
 */
export async function takeAway(services: DispatchServices, file: DispatchedFile): Promise<string | undefined> {
  const content = await pin(services, file);
  if (typeof content === "string") return content;
  try {
    await services.objects.remove(file.objectKey, "file", { etag: content.etag });
    return undefined;
  } catch (error) {
    const hasChanged = error instanceof FileError && ["precondition-failed", "not-found"].includes(error.code);
    if (hasChanged) throw new FileError("unavailable", "the file was changed in this moment", { cause: error });
    throw error;
  }
}

/** True when the object has this content. */
export async function holds(
  services: DispatchServices,
  objectKey: string,
  { bytes, sha256 }: Pick<ContentDigest, "bytes" | "sha256">,
): Promise<boolean> {
  const entry = await services.objects.stat(objectKey);
  if (entry?.type !== "file" || entry.size !== bytes) return false;
  return (await digestOf(services, objectKey))?.sha256 === sha256;
}
