import { FileError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";

/** Memory that belongs to whoever holds it until it is released. */
export interface PartBuffer {
  readonly bytes: Buffer;
  release(): void;
}

/**
 * The memory of all uploads of a process. Each begins in a small buffer and moves to one of a whole part when that is
 * full. The two kinds have budgets of their own: whoever has a part can send it without asking for more, so parts come
 * back, and nobody waits for somebody who waits. Who asks first is served first. Buffers are used again: fresh memory
 * costs the collector more than the bytes in it.
 */
export class PartMemory {
  readonly #totalBytes: number;
  readonly #firsts: Budget;
  readonly #parts: Budget;
  readonly #kept = new Map<number, Buffer[]>();
  #keptBytes = 0;

  constructor(totalBytes: number = limits.storeUploadMemoryBytes) {
    this.#totalBytes = totalBytes;
    this.#firsts = new Budget(Math.floor(totalBytes / 4));
    this.#parts = new Budget(totalBytes - Math.floor(totalBytes / 4));
  }

  /** Bytes that uploads hold now. */
  get heldBytes(): number {
    return this.#firsts.heldBytes + this.#parts.heldBytes;
  }

  /** A buffer of limits.storeFirstBufferBytes, as soon as there is memory. */
  first(signal: AbortSignal): Promise<PartBuffer> {
    return this.#buffer(this.#firsts, limits.storeFirstBufferBytes, signal);
  }

  /** A buffer for a part. @throws FileError `too-large` for a part that the budget can never hold. */
  part(sizeBytes: number, signal: AbortSignal): Promise<PartBuffer> {
    return this.#buffer(this.#parts, sizeBytes, signal);
  }

  /** A buffer if there is memory at this moment. */
  partAtOnce(sizeBytes: number): PartBuffer | undefined {
    return this.#parts.take(sizeBytes) ? this.#held(this.#parts, sizeBytes) : undefined;
  }

  async #buffer(budget: Budget, sizeBytes: number, signal: AbortSignal): Promise<PartBuffer> {
    await budget.wait(sizeBytes, signal);
    return this.#held(budget, sizeBytes);
  }

  #held(budget: Budget, sizeBytes: number): PartBuffer {
    const bytes = this.#takeKept(sizeBytes) ?? this.#fresh(sizeBytes);
    let isHeld = true;
    return {
      bytes,
      release: () => {
        if (!isHeld) return;
        isHeld = false;
        this.#keep(bytes);
        budget.give(sizeBytes);
      },
    };
  }

  #takeKept(sizeBytes: number): Buffer | undefined {
    const bytes = this.#kept.get(sizeBytes)?.pop();
    if (bytes) this.#keptBytes -= sizeBytes;
    return bytes;
  }

  #fresh(sizeBytes: number): Buffer {
    if (this.heldBytes + this.#keptBytes > this.#totalBytes) {
      this.#kept.clear();
      this.#keptBytes = 0;
    }
    return Buffer.allocUnsafeSlow(sizeBytes);
  }

  #keep(bytes: Buffer): void {
    const kept = this.#kept.get(bytes.length) ?? [];
    kept.push(bytes);
    this.#kept.set(bytes.length, kept);
    this.#keptBytes += bytes.length;
  }
}

interface Waiting {
  readonly bytes: number;
  readonly start: () => void;
}

class Budget {
  readonly #totalBytes: number;
  #heldBytes = 0;
  readonly #queue: Waiting[] = [];

  constructor(totalBytes: number) {
    this.#totalBytes = totalBytes;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** True when the bytes were free and are taken. */
  take(bytes: number): boolean {
    if (this.#queue.length > 0 || this.#heldBytes + bytes > this.#totalBytes) return false;
    this.#heldBytes += bytes;
    return true;
  }

  async wait(bytes: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (bytes > this.#totalBytes) {
      throw new FileError("too-large", "the file is larger than this server has memory to take in parts");
    }
    if (!this.take(bytes)) await this.#turn(bytes, signal);
  }

  give(bytes: number): void {
    this.#heldBytes -= bytes;
    this.#serve();
  }

  #turn(bytes: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        bytes,
        start: () => {
          signal.removeEventListener("abort", leave);
          resolve();
        },
      };
      const leave = () => {
        this.#queue.splice(this.#queue.indexOf(waiting), 1);
        reject(signal.reason);
        this.#serve();
      };
      signal.addEventListener("abort", leave, { once: true });
      this.#queue.push(waiting);
    });
  }

  #serve(): void {
    for (let next = this.#queue[0]; next && this.#heldBytes + next.bytes <= this.#totalBytes; next = this.#queue[0]) {
      this.#queue.shift();
      this.#heldBytes += next.bytes;
      next.start();
    }
  }
}
