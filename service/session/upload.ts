import { FileError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import type { ObjectReader, ObjectWriter, StoredEntry } from "../../ports/object-store.ts";
import type { Sha256 } from "../../ports/runtime.ts";
import type { TransferRecord } from "./transfer.ts";
import { WriteSequence } from "./write-sequence.ts";

/** What the client may ask of an upload at its start. */
export interface UploadOptions {
  /**
   * `replace` starts empty; `create` too and refuses when a file is there; `update` writes over what is there from
   * the first offset on; `append` writes behind what is there, whatever the offset.
   */
  readonly mode: "replace" | "create" | "update" | "append";
  /** Refuse with `not-found` where no file is there. */
  readonly mustExist?: boolean | undefined;
  readonly modifiedAtMs?: number | undefined;
  /** Lower-case hex; any other content is refused with `integrity` and not published. */
  readonly sha256?: string | undefined;
  readonly bytes?: number | undefined;
  readonly replacesEtag?: string | undefined;
}

/** What the sender may keep as proof of delivery. */
export interface Receipt {
  readonly transferId: string;
  readonly bytes: number;
  /** Undefined when the bytes went straight to the store: nobody here has read them. */
  readonly sha256: string | undefined;
  readonly etag: string;
}

export interface UploadParts {
  readonly writer: ObjectWriter;
  /** The content that `update` and `append` build on. */
  readonly existing: ObjectReader | undefined;
  readonly record: TransferRecord;
  readonly sha256: Sha256;
  /** What the store made visible of this upload, if anything. */
  readonly published: () => Promise<StoredEntry | undefined>;
  /** Makes the store forget what is staged. */
  readonly discard: () => Promise<void>;
  readonly ended: (upload: Upload) => void;
  /** For an upload that is held: called before its end is on record; the answer gives the verdict that comes soon. */
  readonly verdict?: () => () => Promise<{ readonly etag: string } | undefined>;
}

const copyChunkBytes = 256 * 1024;

/**
 * One file on its way in. Writes may overlap; nothing is visible before `commit` resolves, and a write that failed
 * makes `commit` fail. It ends exactly once, by commit or by abort.
 */
export class Upload {
  readonly #parts: UploadParts;
  readonly #options: UploadOptions;
  readonly #existingBytes: number;
  /** Made by the first write, which says how much of an existing file is kept. */
  #sequence: WriteSequence | undefined;
  #storedBytes = 0;
  #declaredBytes: number | undefined;
  #modifiedAtMs: number | undefined;
  #keepsTail = true;
  #isAdopted = false;
  #end: Promise<unknown> | undefined;

  constructor(parts: UploadParts, options: UploadOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#existingBytes = parts.existing?.entry.size ?? 0;
    this.#declaredBytes = options.bytes;
    this.#modifiedAtMs = options.modifiedAtMs;
  }

  get transferId(): string {
    return this.#parts.record.transferId;
  }

  /** Bytes in order so far, counting what is kept of an existing file. */
  get size(): number {
    return this.#sequence?.end ?? this.#existingBytes;
  }

  get modifiedAtMs(): number | undefined {
    return this.#modifiedAtMs;
  }

  /**
   * Resolves when the bytes are with the store, or held because they are ahead of their turn; until then `chunk`
   * belongs to the upload. @throws FileError `unsupported` for bytes out of order, `too-large`, or the earlier failure.
   */
  async write(offset: number, chunk: Uint8Array): Promise<void> {
    if (this.#end !== undefined) throw new FileError("invalid-argument", "the file is closed");
    const position = this.#options.mode === "append" ? this.size : offset;
    this.#sequence ??= this.#begin(position);
    await this.#sequence.write(position, chunk);
  }

  /** The next bytes of a stream. */
  append(chunk: Uint8Array): Promise<void> {
    return this.write(this.size, chunk);
  }

  /** The writer has its content already, so many bytes. Nothing can be written then. */
  adopt(bytes: number): void {
    this.#sequence = this.#begin(0);
    this.#storedBytes = bytes;
    this.#isAdopted = true;
  }

  /** The modification time that the published file gets. */
  setModified(modifiedAtMs: number): void {
    this.#modifiedAtMs = modifiedAtMs;
  }

  /**
   * A client that sets the size of an open file empties it before it writes, or says how large it will be; what
   * arrives is held against that. @throws FileError `unsupported` for cutting off what was written, `too-large`.
   */
  setSize(bytes: number): void {
    if (bytes > limits.fileBytes) throw new FileError("too-large", "the size is over that of the largest file");
    if (this.#sequence && bytes < this.#sequence.end) {
      throw new FileError("unsupported", "an open upload cannot be cut shorter");
    }
    if (bytes === 0) this.#sequence = this.#begin(0);
    this.#declaredBytes = bytes === 0 ? undefined : bytes;
    this.#keepsTail = bytes !== 0;
  }

  /** Everything written so far survives a crash, still invisible. */
  async flush(): Promise<void> {
    const { writer } = this.#parts;
    await this.#sequence?.enqueue(() => writer.flush());
  }

  /**
   * Waits for the writes under way, publishes the file and records its end: only after it resolves is anything
   * delivered. A file that has to be scanned is safe in quarantine then, and published where the verdict came soon.
   * Undefined when the client opened an existing file and changed nothing.
   * @throws FileError `integrity` when bytes are missing or are not those announced, and what the store refuses;
   * nothing is published then.
   */
  commit(): Promise<Receipt | undefined> {
    if (this.#end !== undefined) return Promise.reject(new FileError("invalid-argument", "the file is closed"));
    const commit = this.#commit();
    this.#end = commit.catch(() => {});
    return commit;
  }

  /** Ends the transfer without a file. Harmless after another end; waits for it. */
  async abort(reason: string): Promise<void> {
    this.#end ??= this.#discard(reason);
    await this.#end;
  }

  /** Keeps what an existing file has before `start`. */
  #begin(start: number): WriteSequence {
    const { existing } = this.#parts;
    if (!existing) return new WriteSequence(0, (chunk) => this.#store(chunk));
    if (start > this.#existingBytes) {
      throw new FileError("unsupported", "the write would leave a gap behind the end of the file");
    }
    const sequence = new WriteSequence(start, (chunk) => this.#store(chunk));
    sequence.enqueue(() => this.#copyExisting(existing, 0, start)).catch(() => {});
    return sequence;
  }

  async #store(chunk: Uint8Array): Promise<void> {
    if (chunk.length === 0) return;
    this.#parts.sha256.update(chunk);
    await this.#parts.writer.write(chunk);
    this.#storedBytes += chunk.length;
  }

  async #copyExisting(existing: ObjectReader, from: number, to: number): Promise<void> {
    for (let position = from; position < to; ) {
      const chunk = new Uint8Array(Math.min(copyChunkBytes, to - position));
      const bytesRead = await existing.read(chunk, position);
      if (bytesRead === 0) throw new FileError("integrity", "the existing file is shorter than it was");
      await this.#store(chunk.subarray(0, bytesRead));
      position += bytesRead;
    }
  }

  async #commit(): Promise<Receipt | undefined> {
    if (!this.#sequence && this.#parts.existing && this.#declaredBytes === undefined) {
      await this.#discard("nothing was written");
      return undefined;
    }
    const sha256 = await this.#orDiscard(() => this.#complete());
    const { etag } = await this.#publish();
    await this.#release();
    const result = { bytes: this.#storedBytes, sha256 };
    const verdict = this.#parts.verdict?.();
    // The version in quarantine is not the one that others will see.
    await this.#parts.record.completed(verdict ? result : { ...result, etag });
    return { transferId: this.transferId, ...result, etag: (await verdict?.())?.etag ?? etag };
  }

  async #orDiscard<T>(step: () => Promise<T>): Promise<T> {
    try {
      return await step();
    } catch (error) {
      // What the client hears is why the upload failed, also when the record of that fails too.
      await this.#discard(error instanceof FileError ? error.message : "internal error").catch(() => {});
      throw error;
    }
  }

  /** Waits until all bytes are in the writer and are the right ones. Answers their SHA-256 in hex, when it is known. */
  async #complete(): Promise<string | undefined> {
    this.#sequence ??= this.#begin(0);
    const sequence = this.#sequence;
    await sequence.drain();
    await this.#copyTail(sequence.end);
    const sha256 = this.#isAdopted ? undefined : this.#parts.sha256.hex();
    if (this.#declaredBytes !== undefined && this.#declaredBytes !== this.#storedBytes) {
      throw new FileError("integrity", `${this.#declaredBytes} bytes were announced and ${this.#storedBytes} arrived`);
    }
    if (this.#isAdopted && this.#options.sha256 !== undefined) {
      throw new FileError("unsupported", "the parts went straight to the store, which does not tell their SHA-256");
    }
    if (this.#options.sha256 !== undefined && this.#options.sha256 !== sha256) {
      throw new FileError("integrity", "the content does not have the SHA-256 that was announced");
    }
    return sha256;
  }

  async #copyTail(from: number): Promise<void> {
    const { existing } = this.#parts;
    if (!existing || !this.#keepsTail) return;
    await this.#copyExisting(existing, from, Math.min(this.#existingBytes, this.#declaredBytes ?? this.#existingBytes));
  }

  async #publish(): Promise<StoredEntry> {
    // Recovery after a crash finds a published file by the record of its start, so that comes first.
    await this.#orDiscard(() => this.#parts.record.started());
    try {
      return await this.#parts.writer.publish({
        modifiedAtMs: this.#modifiedAtMs,
        exclusive: this.#options.mode === "create",
        replacesEtag: this.#options.replacesEtag,
      });
    } catch (error) {
      return await this.#publishedAfterAll(error);
    }
  }

  /**
   * A publish that failed may have failed after its effect. The store knows; where it cannot be asked, the transfer
   * stays without an end until recovery asks again.
   */
  async #publishedAfterAll(error: unknown): Promise<StoredEntry> {
    const entry = await this.#parts.published().catch(async () => {
      await this.#release();
      throw error;
    });
    if (entry) return entry;
    return this.#orDiscard(() => Promise.reject(error));
  }

  /** Where the end cannot be put on record, the transfer stays staged, and recovery ends it. */
  async #discard(reason: string): Promise<void> {
    await this.#sequence?.stop();
    try {
      await this.#parts.writer.abort();
    } finally {
      await this.#release();
    }
    await this.#parts.record.started();
    await this.#parts.record.aborted(this.#storedBytes, reason);
    await this.#parts.discard();
  }

  async #release(): Promise<void> {
    this.#parts.ended(this);
    await this.#parts.existing?.close();
  }
}
