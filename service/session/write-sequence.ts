import { FileError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";

/**
 * Puts overlapping writes in order. S3 takes the parts of an object one after the other, so every store does: bytes
 * that run ahead are held inside a bounded window, bytes behind the end are refused (docs/adr/0006).
 */
export class WriteSequence {
  readonly #store: (chunk: Uint8Array) => Promise<void>;
  readonly #ahead = new Map<number, Uint8Array>();
  #aheadBytes = 0;
  #end: number;
  #failure: { readonly reason: unknown } | undefined;
  #queue: Promise<void> = Promise.resolve();

  /** `store` gets one chunk at a time, from offset `start` on. */
  constructor(start: number, store: (chunk: Uint8Array) => Promise<void>) {
    this.#end = start;
    this.#store = store;
  }

  /** Where the next byte in order goes. */
  get end(): number {
    return this.#end;
  }

  /**
   * Resolves when the chunk is stored, or at once when it is held. @throws FileError `unsupported` for bytes behind
   * the end or outside the window, `too-large`, and whatever failed before.
   */
  async write(offset: number, chunk: Uint8Array): Promise<void> {
    try {
      this.#check(offset, chunk);
    } catch (error) {
      this.#fail(error);
      throw error;
    }
    if (offset > this.#end) return this.#hold(offset, chunk);
    const stored = this.#advance(chunk);
    this.#releaseHeld();
    await stored;
  }

  /** Runs `step` in its turn between the writes. */
  enqueue(step: () => Promise<void>): Promise<void> {
    const done = this.#queue.then(() => {
      this.#throwFailure();
      return step();
    });
    this.#queue = done.catch((error: unknown) => this.#fail(error));
    return done;
  }

  /** Waits for everything under way. @throws what failed, and FileError `integrity` when a gap was never filled. */
  async drain(): Promise<void> {
    await this.#queue;
    this.#throwFailure();
    if (this.#ahead.size > 0) throw new FileError("integrity", `bytes are missing at offset ${this.#end}`);
  }

  /** Waits for the write under way; later ones do not start. */
  async stop(): Promise<void> {
    this.#fail(new FileError("invalid-argument", "the upload has ended"));
    this.#ahead.clear();
    await this.#queue;
  }

  #check(offset: number, chunk: Uint8Array): void {
    this.#throwFailure();
    if (!Number.isSafeInteger(offset) || offset < 0 || offset + chunk.length > limits.fileBytes) {
      throw new FileError("too-large", "the write is beyond the end of the largest file");
    }
    if (offset < this.#end) {
      throw new FileError("unsupported", "bytes already written cannot be written again; send the file in order");
    }
    const isAhead = offset > this.#end;
    if (isAhead && (this.#ahead.has(offset) || this.#aheadBytes + chunk.length > limits.reorderWindowBytes)) {
      throw new FileError("unsupported", "the write is too far ahead of the end; send the file in order");
    }
  }

  #hold(offset: number, chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    // The caller has its answer, and uses its memory again. `slice` of a Buffer would be a view on it.
    this.#ahead.set(offset, new Uint8Array(chunk));
    this.#aheadBytes += chunk.length;
  }

  #advance(chunk: Uint8Array): Promise<void> {
    this.#end += chunk.length;
    return this.enqueue(() => this.#store(chunk));
  }

  #releaseHeld(): void {
    for (let chunk = this.#ahead.get(this.#end); chunk; chunk = this.#ahead.get(this.#end)) {
      this.#ahead.delete(this.#end);
      this.#aheadBytes -= chunk.length;
      // Whoever sent these bytes has its answer; a failure shows when the upload is committed.
      this.#advance(chunk).catch(() => {});
    }
  }

  #fail(reason: unknown): void {
    this.#failure ??= { reason };
  }

  #throwFailure(): void {
    if (this.#failure) throw this.#failure.reason;
  }
}
