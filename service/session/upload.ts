import { FileError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import type { ObjectReader, StoredEntry } from "../../ports/object-store.ts";
import type { Sha256 } from "../../ports/runtime.ts";
import type { OpenedUpload } from "./resumable-uploads.ts";
import type { TransferRecord } from "./transfer.ts";
import type { UploadResumption } from "./upload-resumption.ts";
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
  readonly opened: OpenedUpload;
  /** The content that `update` and `append` build on. */
  readonly existing: ObjectReader | undefined;
  /** For an upload that can be gone on with, or goes on. */
  readonly resumption: UploadResumption | undefined;
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
  #storedBytes: number;
  #declaredBytes: number | undefined;
  #modifiedAtMs: number | undefined;
  #keepsTail = true;
  #isAdopted = false;
  #end: Promise<unknown> | undefined;

  constructor(parts: UploadParts, options: UploadOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#storedBytes = parts.opened.kept?.bytes ?? 0;
    this.#existingBytes = parts.existing?.entry.size ?? this.#storedBytes;
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
    const { writer } = this.#parts.opened;
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

  /** As `abort`, when it is not the client's wish: what can be gone on with is kept. */
  async interrupt(reason: string): Promise<void> {
    this.#end ??= this.#parts.resumption?.isKept ? this.#keep(reason) : this.#discard(reason);
    await this.#end;
  }

  /** Keeps what an existing file, or the upload that this one goes on with, has before `start`. */
  #begin(start: number): WriteSequence {
    const { existing, opened } = this.#parts;
    if (!existing && !opened.kept) return new WriteSequence(0, (chunk) => this.#store(chunk));
    if (start > this.#existingBytes) {
      throw new FileError("unsupported", "the write would leave a gap behind the end of the file");
    }
    const sequence = new WriteSequence(start, (chunk) => this.#store(chunk));
    const prepare = () => (existing ? this.#copyExisting(existing, 0, start) : this.#cut(start));
    sequence.enqueue(prepare).catch(() => {});
    return sequence;
  }

  async #cut(bytes: number): Promise<void> {
    const { opened } = this.#parts;
    if (!opened.kept || bytes === opened.kept.bytes) return;
    await opened.writer.cut(bytes);
    this.#storedBytes = bytes;
  }

  async #store(chunk: Uint8Array): Promise<void> {
    if (chunk.length === 0) return;
    this.#parts.sha256.update(chunk);
    await this.#parts.opened.writer.write(chunk);
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
    const sentSha256 = await this.#orDiscard(() => this.#complete());
    const entry = await this.#publish();
    const { etag } = entry;
    await this.#release();
    const sha256 = this.#parts.opened.kept ? await this.#readSha256(entry) : sentSha256;
    const result = { bytes: this.#storedBytes, sha256 };
    const verdict = this.#parts.verdict?.();
    // The version in quarantine is not the one that others will see.
    await this.#parts.record.completed(verdict ? result : { ...result, etag });
    this.#parts.resumption?.end().catch(() => {});
    return { transferId: this.transferId, ...result, etag: (await verdict?.())?.etag ?? etag };
  }

  async #orDiscard<T>(step: () => Promise<T>): Promise<T> {
    try {
      return await step();
    } catch (error) {
      // What the client hears is why the upload failed, also when the record of that fails too.
      const reason = error instanceof FileError ? error.message : "internal error";
      await (this.#hasAdded ? this.#discard(reason) : this.#keep(reason)).catch(() => {});
      throw error;
    }
  }

  /** Whether anything has become of the upload that is no longer what it goes on with. */
  get #hasAdded(): boolean {
    return this.#storedBytes !== this.#parts.opened.kept?.bytes;
  }

  /** The file is there, whether or not it can be read back. */
  async #readSha256(entry: StoredEntry): Promise<string | undefined> {
    return this.#parts.resumption?.sha256Of(entry).catch(() => undefined);
  }

  /** Waits until all bytes are in the writer and are the right ones. Answers their SHA-256 in hex, when it is known. */
  async #complete(): Promise<string | undefined> {
    if (!this.#sequence && this.#parts.opened.kept) {
      throw new FileError("integrity", `nothing was sent behind the ${this.#storedBytes} bytes that are kept`);
    }
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
      return await this.#parts.opened.writer.publish({
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
    await this.#releasedAfter(this.#parts.opened.writer.abort());
    await this.#parts.record.started();
    await this.#parts.record.aborted(this.#storedBytes, reason);
    await this.#parts.discard();
  }

  /**
   * As {@link #discard}, with the bytes left to the store. Nobody can go on with them before the end is on record, so
   * that recovery never asks about an upload whose bytes have become those of another one.
   */
  async #keep(reason: string): Promise<void> {
    await this.#sequence?.stop();
    const { opened, record, resumption } = this.#parts;
    const keptUntilMs = await resumption?.keptUntilMs();
    if (!resumption || keptUntilMs === undefined) return this.#discard(reason);
    const keptBytes = await this.#releasedAfter(opened.writer.keep());
    const kept = keptBytes > 0 ? { keptBytes, keptUntilMs } : undefined;
    await record.started();
    await record.aborted(this.#storedBytes, reason, kept);
    await (kept ? resumption.keep(kept) : this.#parts.discard());
  }

  async #releasedAfter<T>(end: Promise<T>): Promise<T> {
    try {
      return await end;
    } finally {
      await this.#release();
    }
  }

  async #release(): Promise<void> {
    this.#parts.ended(this);
    await this.#parts.existing?.close();
  }
}
