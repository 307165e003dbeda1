import { randomUUID } from "node:crypto";
import type { S3Client } from "@aws-sdk/client-s3";
import { FileError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import { objectKeySegments } from "../../core/object-key.ts";
import type {
  EntryPage,
  KeptBytes,
  MoveOptions,
  ObjectReader,
  ObjectStore,
  ObjectWriter,
  RemoveOptions,
  ReopenedWriter,
  StatOptions,
  StoredEntry,
} from "../../ports/object-store.ts";
import type { DirectPartStore } from "../../ports/pending-uploads.ts";
import { type Encryption, entryOf, S3Bucket } from "./s3-bucket.ts";
import { S3Copies } from "./s3-copies.ts";
import { createS3DirectParts } from "./s3-direct-parts.ts";
import { isNamed, statusOf } from "./s3-errors.ts";
import { S3Folders } from "./s3-folders.ts";
import { S3Moves } from "./s3-moves.ts";
import { bytesOf, inARow, partsOf } from "./s3-multipart.ts";
import { PartMemory } from "./s3-part-memory.ts";
import { Publisher } from "./s3-publisher.ts";
import { openS3Reader } from "./s3-reader.ts";
import type { StagedUpload, StagingRecord } from "./s3-staging.ts";
import { S3Writer, type SentParts } from "./s3-writer.ts";

export interface S3ObjectStoreOptions {
  readonly client: S3Client;
  readonly bucket: string;
  readonly staging: StagingRecord;
  /** This process, in the record of uploads; another name in each life of it, unless its lives cannot overlap. */
  readonly owner: string;
  /** Whether a process is gone for good, so that its uploads and renames may be ended. By default none is. */
  readonly isDead?: ((owner: string) => Promise<boolean>) | undefined;
  /** By default the bucket decides. */
  readonly encryption?: Encryption | undefined;
  /** By default limits.storeUploadMemoryBytes and limits.storeReadMemoryBytes. */
  readonly uploadMemoryBytes?: number | undefined;
  readonly readMemoryBytes?: number | undefined;
  /** By default limits.storeSettleMs. */
  readonly settleMs?: number | undefined;
  /** By default limits.storeRecentMs. */
  readonly recentMs?: number | undefined;
  /** Whether the bucket's policy denies an object until a scanner has found it clean. By default it denies none. */
  readonly isHeld?: ((objectKey: string) => boolean) | undefined;
}

export interface S3ObjectStore extends ObjectStore {
  /** Finishes renames that were left in the middle, by this process or by dead ones; see docs/aws/store.md. */
  finishMoves(): Promise<number>;
  /** Parts of pending uploads, which clients send to this store by themselves. */
  readonly directParts: DirectPartStore;
}

/**
 * A store in one bucket of Amazon S3: an objectKey is the key there, so other programs may read the bucket and put
 * files into it. See docs/aws/store.md for what each operation asks of S3 and what it cannot promise there.
 */
export function createS3ObjectStore(options: S3ObjectStoreOptions): S3ObjectStore {
  const bucket = new S3Bucket(options.client, options.bucket, options);
  const { staging, owner, isDead = async () => false, settleMs = limits.storeSettleMs } = options;
  const [folders, copies] = [new S3Folders(bucket), new S3Copies(bucket)];
  return new BucketObjectStore({
    ...{ bucket, folders, copies, staging, owner, isDead, settleMs },
    moves: new S3Moves({ bucket, folders, copies, staging, owner, isDead, newId: randomUUID }),
    publisher: new Publisher({ bucket, folders, copies, staging, settleMs }),
    memory: new PartMemory(options.uploadMemoryBytes ?? limits.storeUploadMemoryBytes),
    readMemory: new PartMemory(options.readMemoryBytes ?? limits.storeReadMemoryBytes),
  });
}

interface Parts {
  readonly bucket: S3Bucket;
  readonly folders: S3Folders;
  readonly copies: S3Copies;
  readonly moves: S3Moves;
  readonly publisher: Publisher;
  readonly staging: StagingRecord;
  readonly memory: PartMemory;
  readonly readMemory: PartMemory;
  readonly owner: string;
  readonly isDead: (owner: string) => Promise<boolean>;
  readonly settleMs: number;
}

class BucketObjectStore implements S3ObjectStore {
  readonly capacity = undefined;
  readonly directParts: DirectPartStore;
  readonly #parts: Parts;
  /** Uploads that this process is at, and until when. */
  readonly #live = new Map<string, number>();

  constructor(parts: Parts) {
    this.#parts = parts;
    this.directParts = createS3DirectParts(parts);
  }

  async stat(objectKey: string, options?: StatOptions): Promise<StoredEntry | undefined> {
    return this.#parts.folders.stat(objectKey, options);
  }

  async openRead(objectKey: string): Promise<ObjectReader> {
    assertNotRoot(objectKey);
    const { bucket, folders, readMemory } = this.#parts;
    return openS3Reader({ bucket, folders, memory: readMemory }, objectKey);
  }

  async openWrite(objectKey: string, transferId: string): Promise<ObjectWriter> {
    const { owner, staging } = this.#parts;
    const startedAtMs = Date.now();
    const upload = { transferId, objectKey, owner, startedAtMs, multipartId: undefined, state: "open" } as const;
    assertNotRoot(objectKey);
    const adding = staging.add(upload);
    try {
      await Promise.all([this.#assertFree(objectKey), adding]);
    } catch (error) {
      await adding.then(() => staging.remove(transferId)).catch(() => {});
      throw error;
    }
    return this.#writer(upload);
  }

  /** The last part may be the rest of the file: whoever is told of it would take the upload for done. */
  async keep(transferId: string): Promise<number> {
    const { bucket, staging } = this.#parts;
    const { objectKey = "", multipartId, state } = (await staging.find(transferId)) ?? {};
    if (multipartId === undefined || (state !== "open" && state !== "kept")) return 0;
    const bytes = bytesOf(inARow((await partsOf(bucket, { objectKey, multipartId })) ?? []).slice(0, -1));
    const isKept = bytes > 0 && (state === "kept" || (await staging.change(transferId, { state: "kept" })));
    return isKept ? bytes : 0;
  }

  async reopenWrite(objectKey: string, transferId: string, kept: KeptBytes): Promise<ReopenedWriter> {
    const { bucket, owner, staging } = this.#parts;
    await this.#assertFree(objectKey);
    const earlier = await staging.find(kept.transferId);
    if (earlier?.multipartId === undefined || earlier.objectKey !== objectKey) throw nothingKept();
    const multipart = { objectKey, multipartId: earlier.multipartId };
    const sent = inARow((await partsOf(bucket, multipart)) ?? []);
    const count = sent.findIndex((_, index) => bytesOf(sent.slice(0, index + 1)) === kept.bytes) + 1;
    const contentId = earlier.contentId ?? earlier.transferId;
    const upload: StagedUpload = { ...earlier, transferId, owner, contentId, state: "open" };
    const writer = this.#writer(upload, { multipart, parts: sent.slice(0, count) });
    let isOurs = false;
    try {
      isOurs = count > 0 && (await staging.replaceKept(kept.transferId, upload));
    } finally {
      if (!isOurs) this.#live.delete(transferId);
    }
    if (!isOurs) throw nothingKept();
    return writer;
  }

  #writer(upload: StagedUpload, sent?: SentParts): S3Writer {
    const { transferId } = upload;
    this.#live.set(transferId, Number.POSITIVE_INFINITY);
    const watcher = {
      ended: () => void this.#live.delete(transferId),
      failed: () => void this.#live.set(transferId, Date.now() + 2 * this.#parts.settleMs),
    };
    return new S3Writer(this.#parts, upload, watcher, sent);
  }

  async #assertFree(objectKey: string): Promise<void> {
    const { folders } = this.#parts;
    assertNotRoot(objectKey);
    const [isFolder] = await Promise.all([folders.isRecentFolder(objectKey), folders.assertNoFileAbove(objectKey)]);
    if (isFolder) throw new FileError("not-a-file", "a folder has this name");
  }

  /** Those of this process that it is no longer at, and those of dead ones. */
  async stagedUploads(): Promise<readonly string[]> {
    const { owner, staging, isDead } = this.#parts;
    const isLive = (transferId: string) => Date.now() < (this.#live.get(transferId) ?? 0);
    const uploads = (await staging.unpublished()).filter(({ transferId }) => !isLive(transferId));
    const owners = new Set(uploads.map((upload) => upload.owner));
    const settled = await Promise.all(
      [...owners].map(async (one) => (one === owner || (await isDead(one)) ? one : "")),
    );
    const left = uploads.filter((upload) => settled.includes(upload.owner));
    // The list may be some moments old.
    const isUnpublished = await Promise.all(
      left.map(async ({ transferId }) => isStaged(await staging.find(transferId))),
    );
    return left.filter((_, index) => isUnpublished[index]).map(({ transferId }) => transferId);
  }

  async outcomeOf(objectKey: string, transferId: string): Promise<"published" | "unpublished"> {
    return this.#parts.publisher.outcomeOf(objectKey, transferId);
  }

  async discard(transferId: string): Promise<void> {
    await this.#parts.publisher.discard(transferId);
    this.#live.delete(transferId);
  }

  async list(directoryKey: string, options: { after?: string | undefined; limit: number }): Promise<EntryPage> {
    return this.#parts.folders.list(directoryKey, options);
  }

  async createDirectory(directoryKey: string): Promise<void> {
    await this.#parts.folders.create(directoryKey);
  }

  async ensureDirectory(directoryKey: string): Promise<void> {
    await this.#parts.folders.ensure(directoryKey);
  }

  async remove(objectKey: string, type: "file" | "directory", options: RemoveOptions = {}): Promise<void> {
    await this.#parts.folders.remove(objectKey, type, options);
  }

  async move(fromKey: string, toKey: string, options: MoveOptions): Promise<void> {
    await this.#parts.moves.move({ fromKey, toKey, ...options });
  }

  /** The copy has the modification time of the original. */
  async copy(fromKey: string, toKey: string, { overwrite, admits }: MoveOptions): Promise<StoredEntry> {
    objectKeySegments(fromKey);
    const to = objectKeySegments(toKey);
    if (to.length === 0) throw new FileError("already-exists", "this is the root folder");
    const { bucket, folders, copies } = this.#parts;
    const parent = to.slice(0, -1).join("/");
    const [source, target, above] = await Promise.all([fromKey, toKey, parent].map((one) => folders.stat(one)));
    if (!source) throw new FileError("not-found", "there is no such file");
    if (source.type === "directory") throw new FileError("not-a-file", "a folder has this name");
    if (admits?.("") === false) throw new FileError("permission-denied", "a file may not get this name");
    if (target && !(overwrite && target.type === "file"))
      throw new FileError("already-exists", "the new name is taken");
    if (!above) throw new FileError("not-found", "there is no such folder");
    if (above.type === "file") throw new FileError("not-a-directory", "a part of the path is not a folder");
    if (fromKey === toKey) return source;
    const { etag, size } = source;
    const conditions = overwrite ? {} : ({ IfNoneMatch: "*" } as const);
    const copying = copies.copy({ fromKey, toKey, etag, size, conditions });
    const refused = (error: unknown) => Promise.reject(takenBy(error, overwrite) ?? bucket.meaningOf(error, fromKey));
    return { ...source, etag: await copying.catch(refused) };
  }

  /** Folders have no times here, so nothing changes for one. */
  async setModified(objectKey: string, modifiedAtMs: number): Promise<void> {
    objectKeySegments(objectKey);
    if (!Number.isFinite(modifiedAtMs)) throw new FileError("invalid-argument", "the time is not a number");
    const { bucket, folders, copies } = this.#parts;
    const head = objectKey === "" ? undefined : await bucket.head(objectKey);
    if (!head) return folders.assertFolder(objectKey);
    const { etag, size } = entryOf(head, head.ContentLength ?? 0);
    if (size > limits.storeCopyBytes) {
      throw new FileError("unsupported", "the time of a file this large is set only while it is uploaded");
    }
    const metadata = { ...head.Metadata, mtime: (modifiedAtMs / 1000).toFixed(3) };
    const copy = { fromKey: objectKey, toKey: objectKey, etag, size, metadata, conditions: { IfMatch: `"${etag}"` } };
    await bucket.attempt(copies.copy(copy));
  }

  async finishMoves(): Promise<number> {
    return this.#parts.moves.finish();
  }
}

function assertNotRoot(objectKey: string): void {
  if (objectKeySegments(objectKey).length === 0) throw new FileError("not-a-file", "this is the root folder");
}

function isStaged(upload: StagedUpload | undefined): boolean {
  return upload?.state === "open" || upload?.state === "aborted";
}

function nothingKept(): FileError {
  return new FileError("not-found", "what was kept of the upload is not there any more");
}

function takenBy(error: unknown, overwrite: boolean): FileError | undefined {
  const meansTaken = !overwrite && (statusOf(error) === 412 || isNamed(error, "ConditionalRequestConflict"));
  return meansTaken ? new FileError("already-exists", "the new name is taken") : undefined;
}
