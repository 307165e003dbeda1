/** Below this size an allocation costs less than keeping the memory. */
const smallestKeptBytes = 16 * 1024;

/** Sizes are rounded up to this, so that packets whose headers differ by a few bytes share memory. */
const stepBytes = 4 * 1024;

/**
 * Memory for large packets that is used again. New memory for each would lie outside V8's heap, be touched for the
 * first time by the kernel, and be looked for by every garbage collection: together that costs more than the ciphers.
 */
export class PacketMemory {
  readonly #maxKeptBytes: number;
  readonly #free = new Map<number, Buffer[]>();
  readonly #lent = new WeakSet<ArrayBufferLike>();
  #keptBytes = 0;

  /** `maxKeptBytes` bounds what is kept while nobody uses it. */
  constructor(maxKeptBytes: number) {
    this.#maxKeptBytes = maxKeptBytes;
  }

  /** What is kept at this moment. */
  get keptBytes(): number {
    return this.#keptBytes;
  }

  /** Memory with any content. Whoever forgets to release it loses nothing but the use of it. */
  take(bytes: number): Buffer {
    if (bytes < smallestKeptBytes) return Buffer.allocUnsafe(bytes);
    const size = Math.ceil(bytes / stepBytes) * stepBytes;
    const memory = this.#free.get(size)?.pop();
    if (memory) this.#keptBytes -= size;
    const given = memory ?? Buffer.allocUnsafeSlow(size);
    this.#lent.add(given.buffer);
    return given.subarray(0, bytes);
  }

  /** Takes back the memory under `view`, if it comes from here and was not taken back before. */
  release(view: Buffer): void {
    if (!this.#lent.delete(view.buffer)) return;
    const memory = Buffer.from(view.buffer);
    if (memory.length > this.#maxKeptBytes) return;
    if (this.#keptBytes + memory.length > this.#maxKeptBytes) {
      // Sizes that nobody asks for any more must not fill the place.
      this.#free.clear();
      this.#keptBytes = 0;
    }
    const sameSize = this.#free.get(memory.length);
    if (sameSize) sameSize.push(memory);
    else this.#free.set(memory.length, [memory]);
    this.#keptBytes += memory.length;
  }
}
