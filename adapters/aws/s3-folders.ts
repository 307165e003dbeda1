import { FileError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import {
  compareByBytes,
  isListingPosition,
  isObjectName,
  listingPosition,
  objectKeySegments,
} from "../../core/object-key.ts";
import type { EntryPage, NamedEntry, RemoveOptions, StatOptions, StoredEntry } from "../../ports/object-store.ts";
import { directoryEntry, entryOf, folderMarker, type S3Bucket } from "./s3-bucket.ts";
import { isNamed, statusOf, toFileError } from "./s3-errors.ts";

/** The CRC-32 of no bytes. */
const emptyBody = { body: new Uint8Array(0), crc32: "AAAAAA==" };

/**
 * Folders of a store that has only keys: a folder is what a key goes through, and an empty object whose key ends in `/`
 * keeps one that is empty. Whoever takes something out of a folder makes sure of that marker first, so a folder stays
 * when its last file goes.
 */
export class S3Folders {
  readonly #bucket: S3Bucket;

  constructor(bucket: S3Bucket) {
    this.#bucket = bucket;
  }

  /** Where programs beside this one have made both a file and a folder of the name, the file is what is there. */
  async stat(objectKey: string, { recentFolder }: StatOptions = {}): Promise<StoredEntry | undefined> {
    if (objectKeySegments(objectKey).length === 0) return directoryEntry;
    const { recent } = this.#bucket;
    if (recentFolder && recent.knows("folder", objectKey)) return directoryEntry;
    const askedAtMs = recent.now();
    const [file, isFolder] = await Promise.all([this.#bucket.entryAt(objectKey), this.isFolder(objectKey)]);
    if (isFolder && !file) recent.see("folder", objectKey, askedAtMs);
    return file ?? (isFolder ? directoryEntry : undefined);
  }

  /** Whether a key goes through this one. */
  async isFolder(directoryKey: string): Promise<boolean> {
    if (directoryKey === "") return true;
    const askedAtMs = this.#bucket.recent.now();
    const isFolder = (await this.#bucket.firstKeys(`${directoryKey}/`, 1)).length > 0;
    if (!isFolder) this.#bucket.recent.see("no-folder", directoryKey, askedAtMs);
    return isFolder;
  }

  /** As {@link isFolder}, but what S3 said of the name moments ago counts. */
  async isRecentFolder(directoryKey: string): Promise<boolean> {
    return !this.#bucket.recent.knows("no-folder", directoryKey) && (await this.isFolder(directoryKey));
  }

  /** @throws FileError `not-a-directory` when something above the key is a file. */
  async assertNoFileAbove(objectKey: string): Promise<void> {
    const segments = objectKeySegments(objectKey);
    const above = segments.slice(1).map((_, depth) => segments.slice(0, depth + 1).join("/"));
    const areFiles = await Promise.all(above.map((folder) => this.#isFile(folder)));
    if (areFiles.includes(true)) throw new FileError("not-a-directory", "a part of the path is not a folder");
  }

  /** What S3 said of the name moments ago counts. */
  async #isFile(objectKey: string): Promise<boolean> {
    const { recent } = this.#bucket;
    if (recent.knows("folder", objectKey) || recent.knows("no-file", objectKey)) return false;
    const askedAtMs = recent.now();
    const isFile = await this.#bucket.exists(objectKey);
    if (!isFile) recent.see("no-file", objectKey, askedAtMs);
    return isFile;
  }

  /** @throws FileError `not-found`, `not-a-directory`. */
  async assertFolder(directoryKey: string): Promise<void> {
    const entry = await this.stat(directoryKey);
    if (!entry) throw new FileError("not-found", "there is no such folder");
    if (entry.type === "file") throw new FileError("not-a-directory", "a part of the path is not a folder");
  }

  async list(
    directoryKey: string,
    { after, limit }: { after?: string | undefined; limit: number },
  ): Promise<EntryPage> {
    objectKeySegments(directoryKey);
    if (!Number.isInteger(limit) || limit < 1 || limit > limits.listingPageEntries) {
      throw new FileError("invalid-argument", `a page has 1 to ${limits.listingPageEntries} entries`);
    }
    const prefix = directoryKey === "" ? "" : `${directoryKey}/`;
    const { entries, isTruncated, isThere } = await this.#entriesBehind(prefix, after, limit);
    if (!isThere) await this.assertFolder(directoryKey);
    const shown = entries.slice(0, limit);
    const last = shown.at(-1);
    return {
      entries: shown,
      next: last && (isTruncated || entries.length > limit) ? listingPosition(last) : undefined,
    };
  }

  async create(directoryKey: string): Promise<void> {
    const segments = objectKeySegments(directoryKey);
    if (segments.length === 0) throw new FileError("already-exists", "this is the root folder");
    const marker = folderMarker(directoryKey);
    const parent = segments.slice(0, -1).join("/");
    const [entry] = await Promise.all([this.stat(directoryKey), this.assertFolder(parent)]);
    if (entry) throw new FileError("already-exists", "the name is taken");
    await this.#putMarker(marker, "*");
  }

  async ensure(directoryKey: string): Promise<void> {
    if (objectKeySegments(directoryKey).length === 0) return;
    const marker = folderMarker(directoryKey);
    const [isKept, isFile] = await Promise.all([
      this.isKept(directoryKey),
      this.#bucket.exists(directoryKey),
      this.assertNoFileAbove(directoryKey),
    ]);
    if (isFile) throw new FileError("not-a-directory", "a part of the path is not a folder");
    if (!isKept) await this.#putMarker(marker);
  }

  /** Whether the folder stays when its last file goes. */
  async isKept(directoryKey: string): Promise<boolean> {
    return directoryKey === "" || this.#bucket.exists(`${directoryKey}/`);
  }

  /** Makes it stay. */
  async keep(directoryKey: string): Promise<void> {
    await this.#putMarker(folderMarker(directoryKey));
  }

  async remove(objectKey: string, type: "file" | "directory", { etag }: RemoveOptions): Promise<void> {
    const segments = objectKeySegments(objectKey);
    if (segments.length === 0) throw new FileError("invalid-argument", "this is the root folder");
    const parent = segments.slice(0, -1).join("/");
    if (type === "directory") return this.#removeFolder(objectKey, parent);
    const [entry, isKept] = await Promise.all([this.file(objectKey), this.isKept(parent)]);
    if (etag !== undefined && etag !== entry.etag) throw new FileError("precondition-failed", "the file has changed");
    if (!isKept) await this.keep(parent);
    await this.#bucket.delete(objectKey, etag);
  }

  /** @throws FileError `not-found`, `not-a-file`. */
  async file(objectKey: string): Promise<StoredEntry> {
    const file = await this.#bucket.entryAt(objectKey);
    if (file) return file;
    if (await this.isFolder(objectKey)) throw new FileError("not-a-file", "a folder has this name");
    throw new FileError("not-found", "there is no such file");
  }

  async #removeFolder(directoryKey: string, parent: string): Promise<void> {
    const marker = `${directoryKey}/`;
    const [keys, isKept] = await Promise.all([this.#bucket.firstKeys(marker, 2), this.isKept(parent)]);
    if (keys.length === 0) {
      await this.assertFolder(directoryKey);
      throw new FileError("not-found", "there is no such folder");
    }
    if (keys.some((found) => found !== marker)) {
      throw new FileError("directory-not-empty", "the folder is not empty");
    }
    if (!isKept) await this.keep(parent);
    await this.#bucket.delete(marker);
  }

  async #putMarker(marker: string, condition?: "*"): Promise<void> {
    try {
      await this.#bucket.put(marker, emptyBody, condition ? { IfNoneMatch: condition } : {});
    } catch (error) {
      const isTaken = statusOf(error) === 412 || isNamed(error, "ConditionalRequestConflict");
      if (isTaken) throw new FileError("already-exists", "the name is taken");
      throw toFileError(error);
    }
  }

  /** More than `limit` entries where there are more; fewer only from S3's largest pages. */
  async #entriesBehind(prefix: string, after: string | undefined, limit: number): Promise<Found> {
    const isAtPosition = after !== undefined && isListingPosition(after);
    // The folder's own marker and the entry at `after` may come first. What is no position is looked for here.
    const most = after === undefined || isAtPosition ? limit + 3 : limits.listingPageEntries;
    const MaxKeys = Math.min(most, limits.listingPageEntries);
    const StartAfter = isAtPosition ? prefix + after : undefined;
    const entries: NamedEntry[] = [];
    let [isThere, token]: [boolean, string | undefined] = [prefix === "", undefined];
    do {
      const page = await this.#bucket.list({
        Prefix: prefix,
        Delimiter: "/",
        MaxKeys,
        StartAfter,
        ContinuationToken: token,
      });
      const { Contents = [], CommonPrefixes = [] } = page;
      isThere ||= Contents.length + CommonPrefixes.length > 0;
      const files = Contents.map(({ Key: found = "", ...object }) => ({
        name: found.slice(prefix.length),
        ...entryOf(object, object.Size ?? 0),
      }));
      const folders = CommonPrefixes.map(({ Prefix: found = "" }) => ({
        name: found.slice(prefix.length, -1),
        ...directoryEntry,
      }));
      entries.push(...inOrder([...files, ...folders]).filter((entry) => isBehind(entry, after)));
      token = page.NextContinuationToken;
    } while (token !== undefined && entries.length === 0);
    return { entries, isTruncated: token !== undefined, isThere };
  }
}

interface Found {
  readonly entries: readonly NamedEntry[];
  readonly isTruncated: boolean;
  readonly isThere: boolean;
}

/** Markers and names that no objectKey can have (other programs may use the bucket) are left out. */
function isBehind(entry: NamedEntry, after: string | undefined): boolean {
  if (!isObjectName(entry.name)) return false;
  return after === undefined || compareByBytes(listingPosition(entry), after) > 0;
}

function inOrder(entries: readonly NamedEntry[]): readonly NamedEntry[] {
  return entries.toSorted((left, right) => compareByBytes(listingPosition(left), listingPosition(right)));
}
