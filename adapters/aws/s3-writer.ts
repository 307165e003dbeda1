import { FileError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import type { PublishOptions, ReopenedWriter, StoredEntry } from "../../ports/object-store.ts";
import { crc32 } from "./part-checksum.ts";
import { metadataOf, type S3Bucket } from "./s3-bucket.ts";
import { toFileError } from "./s3-errors.ts";
import {
  beginMultipart,
  bytesOf,
  type Multipart,
  type OutgoingPart,
  PartSender,
  type SentPart,
} from "./s3-multipart.ts";
import type { PartBuffer, PartMemory } from "./s3-part-memory.ts";
import { partBytes } from "./s3-part-sizes.ts";
import type { Publication, Publisher } from "./s3-publisher.ts";
import type { StagedUpload, StagingRecord } from "./s3-staging.ts";

/** What S3 has of an upload already. */
export interface SentParts {
  readonly multipart: Multipart;
  readonly parts: readonly SentPart[];
}

export interface S3WriterServices {
  readonly bucket: S3Bucket;
  readonly staging: StagingRecord;
  readonly memory: PartMemory;
  readonly publisher: Publisher;
}

/** Who is told of the end of an upload, and of a publish that failed, whose outcome is asked for next. */
export interface WriterWatcher {
  ended(): void;
  failed(): void;
}

/** What has come of the part that is being filled. */
interface FillingPart {
  readonly buffer: PartBuffer;
  filled: number;
  crc: number;
}

/**
 * An upload to S3: one PutObject for a file that fits into the first part, a multipart upload for a larger one. Its
 * calls run one after the other, except that `abort` ends at once what waits for memory or for S3.
 */
export class S3Writer implements ReopenedWriter {
  readonly #services: S3WriterServices;
  readonly #upload: StagedUpload;
  readonly #watcher: WriterWatcher;
  readonly #stop = new AbortController();
  #part: FillingPart | undefined;
  #partNumber = 1;
  #size = 0;
  #lastWriteMs = Date.now();
  #sender: PartSender | undefined;
  #multipart: Multipart | undefined;
  #hasEnded = false;
  #isPublishing = false;
  #failure: { readonly reason: unknown } | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(services: S3WriterServices, upload: StagedUpload, watcher: WriterWatcher, sent?: SentParts) {
    this.#services = services;
    this.#upload = upload;
    this.#watcher = watcher;
    if (!sent) return;
    const { multipart, parts } = sent;
    this.#multipart = multipart;
    this.#sender = new PartSender({ bucket: services.bucket, multipart, signal: this.#stop.signal }, parts);
    this.#partNumber = parts.length + 1;
    this.#size = bytesOf(parts);
  }

  cut(bytes: number): Promise<void> {
    return this.#inTurn(() => this.#attempt(() => this.#cut(bytes)));
  }

  write(chunk: Uint8Array): Promise<void> {
    return this.#inTurn(() => this.#attempt(() => this.#write(chunk)));
  }

  /**
   * Every full part is with S3, and can be gone on with after a crash. What does not fill one stays in memory: S3 takes
   * no smaller parts.
   */
  flush(): Promise<void> {
    return this.#inTurn(() => this.#attempt(async () => void (await this.#sender?.settled())));
  }

  publish(options: PublishOptions): Promise<StoredEntry> {
    return this.#inTurn(async () => {
      try {
        const entry = await this.#attempt(() => this.#publish(options));
        this.#end();
        return entry;
      } catch (error) {
        // No other attempt can follow.
        this.#releasePart();
        this.#watcher.failed();
        throw error;
      }
    });
  }

  abort(): Promise<void> {
    if (!this.#isPublishing) this.#stop.abort(new FileError("invalid-argument", "the upload has ended"));
    return this.#inTurn(async () => {
      if (this.#hasEnded) return;
      this.#end();
      await this.#sender?.ended();
      await this.#services.publisher.forgo(this.#upload.transferId, this.#multipart);
    });
  }

  /** Keeps the parts that S3 has in a row. What came behind them has not been sent, so they are never all. */
  keep(): Promise<number> {
    return this.#inTurn(async () => {
      if (this.#hasEnded) return 0;
      this.#hasEnded = true;
      this.#releasePart();
      try {
        return await this.#keep();
      } finally {
        this.#watcher.ended();
      }
    });
  }

  async #keep(): Promise<number> {
    const bytes = this.#sender ? bytesOf(await this.#sender.inARow()) : 0;
    if (bytes === 0) return 0;
    return (await this.#services.staging.change(this.#upload.transferId, { state: "kept" })) ? bytes : 0;
  }

  async #cut(bytes: number): Promise<void> {
    const parts = (await this.#sender?.inARow()) ?? [];
    const count = parts.findIndex((_, index) => bytesOf(parts.slice(0, index)) === bytes);
    if (count < 0) {
      const message = `the store goes on with this upload at ${this.#size} bytes, or from its beginning`;
      throw new FileError("unsupported", message);
    }
    this.#sender?.cut(count);
    this.#partNumber = count + 1;
    this.#size = bytes;
  }

  async #write(chunk: Uint8Array): Promise<void> {
    if (this.#size + chunk.length > limits.fileBytes) throw new FileError("too-large", "the file is too large");
    for (let rest = chunk; rest.length > 0; ) {
      const part = await this.#partWithRoom();
      const taken = rest.subarray(0, part.buffer.bytes.length - part.filled);
      part.buffer.bytes.set(taken, part.filled);
      part.crc = crc32(taken, part.crc);
      part.filled += taken.length;
      this.#size += taken.length;
      rest = rest.subarray(taken.length);
    }
    this.#lastWriteMs = Date.now();
  }

  /** A full part goes when the next byte comes: until then it may be all of the file. */
  async #partWithRoom(): Promise<FillingPart> {
    const { memory } = this.#services;
    const part = this.#part;
    if (part && part.filled < part.buffer.bytes.length) return part;
    if (part && part.filled === limits.storeFirstBufferBytes) return await this.#grow(part);
    if (part) await this.#sendPart(part);
    const isFirst = this.#size === 0;
    const buffer = isFirst
      ? await memory.first(this.#stop.signal)
      : await memory.part(partBytes(this.#partNumber), this.#stop.signal);
    this.#part = { buffer, filled: 0, crc: 0 };
    return this.#part;
  }

  /** From the small buffer that every upload begins with to that of a whole part. */
  async #grow(part: FillingPart): Promise<FillingPart> {
    const buffer = await this.#services.memory.part(partBytes(1), this.#stop.signal);
    buffer.bytes.set(part.buffer.bytes);
    part.buffer.release();
    this.#part = { ...part, buffer };
    return this.#part;
  }

  async #sendPart(part: FillingPart): Promise<void> {
    this.#sender ??= await this.#beginMultipart();
    this.#part = undefined;
    this.#partNumber += 1;
    await this.#sender.send(outgoing(part));
  }

  /** S3 takes metadata at the start only; a time that the client asks for later costs a copy. */
  async #beginMultipart(): Promise<PartSender> {
    const { bucket, staging } = this.#services;
    const { objectKey, transferId, startedAtMs } = this.#upload;
    const multipart = await beginMultipart(bucket, objectKey, metadataOf(startedAtMs, transferId));
    this.#multipart = multipart;
    if (!(await staging.change(transferId, { multipartId: multipart.multipartId }))) {
      throw new FileError("unavailable", "the upload was ended by another process");
    }
    return new PartSender({ bucket, multipart, signal: this.#stop.signal });
  }

  async #publish(options: PublishOptions): Promise<StoredEntry> {
    this.#stop.signal.throwIfAborted();
    this.#isPublishing = true;
    const last = this.#part;
    if (last && this.#sender) await this.#sendPart(last);
    // A multipart upload that was cut back to nothing: S3 does not take one without parts.
    else if (this.#sender && this.#partNumber === 1) await this.#sender.send({ ...emptyBody, release: () => {} });
    try {
      return await this.#services.publisher.publish(this.#upload, await this.#publication(options));
    } finally {
      this.#isPublishing = false;
    }
  }

  async #publication(options: PublishOptions): Promise<Publication> {
    const size = this.#size;
    if (this.#sender && this.#multipart) {
      const beganAtMs = this.#upload.startedAtMs;
      const modifiedAtMs = size > limits.storeCopyBytes ? beganAtMs : (options.modifiedAtMs ?? beganAtMs);
      const multipart = { ...this.#multipart, ...(await this.#sender.settled()), beganAtMs };
      return { ...options, size, modifiedAtMs, multipart };
    }
    const modifiedAtMs = options.modifiedAtMs ?? this.#lastWriteMs;
    const body = this.#part ? outgoing(this.#part) : emptyBody;
    return { ...options, size, modifiedAtMs, body };
  }

  #end(): void {
    this.#hasEnded = true;
    this.#releasePart();
    this.#watcher.ended();
  }

  #releasePart(): void {
    this.#part?.buffer.release();
    this.#part = undefined;
  }

  async #attempt<T>(step: () => Promise<T>): Promise<T> {
    if (this.#hasEnded) throw new FileError("invalid-argument", "the upload has ended");
    if (this.#failure) throw this.#failure.reason;
    try {
      return await step();
    } catch (error) {
      const reason = toFileError(error);
      this.#failure ??= { reason };
      throw reason;
    }
  }

  #inTurn<T>(step: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(step);
    this.#turn = done.catch(() => {});
    return done;
  }
}

function outgoing({ buffer, filled, crc }: FillingPart): OutgoingPart {
  return { body: buffer.bytes.subarray(0, filled), crc32: base64Of(crc), release: buffer.release };
}

const emptyBody = { body: new Uint8Array(0), crc32: base64Of(0) };

function base64Of(crc: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc);
  return bytes.toString("base64");
}
