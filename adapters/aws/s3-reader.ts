import type { Readable } from "node:stream";
import { GetObjectCommand, type GetObjectCommandOutput } from "@aws-sdk/client-s3";
import { FileError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import type { ObjectReader, StoredEntry } from "../../ports/object-store.ts";
import { entryOf, type S3Bucket } from "./s3-bucket.ts";
import { statusOf } from "./s3-errors.ts";
import type { S3Folders } from "./s3-folders.ts";
import type { PartBuffer, PartMemory } from "./s3-part-memory.ts";

export interface S3ReaderServices {
  readonly bucket: S3Bucket;
  readonly folders: S3Folders;
  /** What is read ahead; without free memory nothing is. */
  readonly memory: PartMemory;
}

/** Bytes of the object from `start` on. */
interface Block {
  readonly start: number;
  readonly length: number;
  readonly buffer: PartBuffer;
  readonly filled: Promise<void>;
}

/** Opens an object with one request, which brings its beginning along. @throws FileError `not-found`, `not-a-file`. */
export async function openS3Reader(services: S3ReaderServices, objectKey: string): Promise<S3Reader> {
  const { bucket, folders, memory } = services;
  const buffer = memory.partAtOnce(limits.storeFirstReadBytes);
  if (!buffer) return new S3Reader(services, objectKey, await opened(bucket, folders, objectKey));
  try {
    const get = new GetObjectCommand({
      Bucket: bucket.name,
      Key: objectKey,
      Range: `bytes=0-${limits.storeFirstReadBytes - 1}`,
    });
    const answer = await bucket.client.send(get);
    const size = totalIn(answer);
    const length = Math.min(size, limits.storeFirstReadBytes);
    const received = await fill(answer.Body as Readable, buffer.bytes.subarray(0, length));
    const version = { entry: entryOf(answer, size), versionId: versionIn(answer.VersionId) };
    return new S3Reader(services, objectKey, version, { start: 0, length: received, buffer });
  } catch (error) {
    buffer.release();
    const isEmptyOrMissing = statusOf(error) === 416 || statusOf(error) === 404;
    if (isEmptyOrMissing) return new S3Reader(services, objectKey, await opened(bucket, folders, objectKey));
    throw bucket.meaningOf(error, objectKey);
  }
}

interface PinnedVersion {
  readonly entry: StoredEntry;
  /** Undefined in a bucket that keeps no versions. */
  readonly versionId: string | undefined;
}

async function opened(bucket: S3Bucket, folders: S3Folders, objectKey: string): Promise<PinnedVersion> {
  const head = await bucket.head(objectKey);
  if (head) return { entry: entryOf(head, head.ContentLength ?? 0), versionId: versionIn(head.VersionId) };
  if (await folders.isFolder(objectKey)) throw new FileError("not-a-file", "a folder has this name");
  throw new FileError("not-found", "there is no such file");
}

/** Objects from before a bucket kept versions have the version `null`, which the next one overwrites. */
function versionIn(versionId: string | undefined): string | undefined {
  return versionId === "null" ? undefined : versionId;
}

/** `bytes 0-99/1234`, where a range was asked for. */
function totalIn({ ContentRange, ContentLength = 0 }: GetObjectCommandOutput): number {
  const total = /\/(\d+)$/.exec(ContentRange ?? "")?.[1];
  return total === undefined ? ContentLength : Number(total);
}

/**
 * One version of an object: by its version where the bucket keeps those, by its etag otherwise, so that a file that is
 * replaced while it is read fails instead of becoming a mixture. Reads in sequence run some blocks ahead, in memory
 * that all downloads share; without it, and for reads here and there, S3 is asked for what is wanted.
 */
export class S3Reader implements ObjectReader {
  readonly entry: StoredEntry;
  readonly #services: S3ReaderServices;
  readonly #objectKey: string;
  readonly #versionId: string | undefined;
  readonly #stop = new AbortController();
  /** Sorted by the time of their last use. */
  #blocks: Block[] = [];
  /** Where the next read begins when the file is read in sequence. */
  #sequenceEnd = 0;

  constructor(
    services: S3ReaderServices,
    objectKey: string,
    { entry, versionId }: PinnedVersion,
    first?: Omit<Block, "filled">,
  ) {
    this.entry = entry;
    this.#services = services;
    this.#objectKey = objectKey;
    this.#versionId = versionId;
    if (first) this.#blocks.push({ ...first, filled: Promise.resolve() });
  }

  async read(target: Uint8Array, position: number): Promise<number> {
    if (!Number.isSafeInteger(position) || position < 0) {
      throw new FileError("invalid-argument", "the position is not a whole number of bytes");
    }
    this.#stop.signal.throwIfAborted();
    const wanted = target.subarray(0, Math.max(0, Math.min(target.length, this.entry.size - position)));
    const isSequential = Math.abs(position - this.#sequenceEnd) <= limits.storeReadBytes;
    if (isSequential) this.#sequenceEnd = Math.max(this.#sequenceEnd, position + wanted.length);
    for (let done = 0; done < wanted.length; ) {
      done += await this.#readSome(wanted.subarray(done), position + done, isSequential);
    }
    return wanted.length;
  }

  async close(): Promise<void> {
    this.#stop.abort(new FileError("invalid-argument", "the file is closed"));
    const blocks = this.#blocks;
    this.#blocks = [];
    await Promise.allSettled(blocks.map((block) => this.#drop(block)));
  }

  /** From the block that has the position, or from S3. Answers how many bytes. */
  async #readSome(target: Uint8Array, position: number, isSequential: boolean): Promise<number> {
    const block = this.#blockAt(position) ?? (isSequential ? this.#fetch(position) : undefined);
    if (!block) {
      await this.#get(target, position);
      return target.length;
    }
    if (isSequential) this.#readAhead(block);
    await block.filled;
    this.#stop.signal.throwIfAborted();
    const from = position - block.start;
    const bytes = block.buffer.bytes.subarray(from, Math.min(block.length, from + target.length));
    target.set(bytes);
    return bytes.length;
  }

  #blockAt(position: number): Block | undefined {
    return this.#blocks.find(({ start, length }) => position >= start && position < start + length);
  }

  #readAhead(block: Block): void {
    let end = block.start + block.length;
    for (let ahead = 0; ahead < limits.storeBlocksAhead && end < this.entry.size; ahead += 1) {
      const next = this.#blockAt(end) ?? this.#fetch(end);
      if (!next) return;
      end = next.start + next.length;
    }
  }

  /** Undefined when there is no memory for a block. */
  #fetch(start: number): Block | undefined {
    this.#dropOld();
    const buffer = this.#services.memory.partAtOnce(limits.storeReadBytes);
    if (!buffer) return undefined;
    const length = Math.min(limits.storeReadBytes, this.entry.size - start);
    const block = { start, length, buffer, filled: this.#get(buffer.bytes.subarray(0, length), start) };
    // Whoever reads the block hears of it; nobody may.
    block.filled.catch(() => this.#forget(block));
    this.#blocks.push(block);
    return block;
  }

  /** Keeps the block before the one that is being read, because reads overlap. */
  #dropOld(): void {
    const kept = limits.storeBlocksAhead + 2;
    const behind = this.#blocks.filter(({ start, length }) => start + length <= this.#sequenceEnd);
    for (const block of behind.slice(0, Math.max(0, this.#blocks.length - kept + 1))) this.#forget(block);
  }

  #forget(block: Block): void {
    if (!this.#blocks.includes(block)) return;
    this.#blocks = this.#blocks.filter((other) => other !== block);
    this.#drop(block).catch(() => {});
  }

  /** Its memory goes back when nothing writes into it any more. */
  async #drop(block: Block): Promise<void> {
    await block.filled.catch(() => {});
    // A read that has waited for the block copies from it before anything else runs.
    await Promise.resolve();
    block.buffer.release();
  }

  /** Fills `target` from the pinned version; a connection that breaks is taken up where it broke. */
  async #get(target: Uint8Array, position: number): Promise<void> {
    let done = 0;
    for (let attempt = 1; done < target.length; attempt += 1) {
      try {
        const body = await this.#body(position + done, position + target.length - 1);
        done += await fill(body, target.subarray(done));
      } catch (error) {
        throw this.#meaningOf(error);
      }
      if (done < target.length && attempt >= limits.storeReadAttempts) {
        throw new FileError("unavailable", "the store cannot do this at the moment");
      }
    }
  }

  async #body(first: number, last: number): Promise<Readable> {
    const { bucket } = this.#services;
    const pin = this.#versionId === undefined ? { IfMatch: `"${this.entry.etag}"` } : { VersionId: this.#versionId };
    const get = new GetObjectCommand({
      Bucket: bucket.name,
      Key: this.#objectKey,
      Range: `bytes=${first}-${last}`,
      ...pin,
    });
    const { Body } = await bucket.client.send(get, { abortSignal: this.#stop.signal });
    return Body as Readable;
  }

  #meaningOf(error: unknown): unknown {
    if (this.#stop.signal.aborted) return this.#stop.signal.reason;
    if (statusOf(error) === 412) {
      return new FileError("precondition-failed", "the file was replaced while it was read", { cause: error });
    }
    return this.#services.bucket.meaningOf(error, this.#objectKey);
  }
}

/** Answers how many bytes came before the stream ended, in order or not. */
function fill(body: Readable, target: Uint8Array): Promise<number> {
  return new Promise((resolve) => {
    let filled = 0;
    body.on("data", (chunk: Buffer) => {
      const taken = chunk.subarray(0, target.length - filled);
      target.set(taken, filled);
      filled += taken.length;
    });
    body.once("close", () => resolve(filled));
    body.once("error", () => resolve(filled));
    body.once("end", () => resolve(filled));
  });
}
