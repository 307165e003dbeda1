import type { PacketMemory } from "./packet-memory.ts";
import { WireError } from "./wire.ts";

const lengthBytes = 4;

/**
 * Cuts the bytes of a channel into SFTP messages: `uint32 length`, then that many bytes. Every message is copied
 * once, as it arrives, into memory of its own, so that a small message does not keep alive the network buffer that
 * it came in, and a message in many pieces costs no more than one in a few.
 */
export class PacketReader {
  readonly #maxBytes: number;
  readonly #memory: PacketMemory;
  readonly #chunks: Buffer[] = [];
  readonly #header = Buffer.alloc(lengthBytes);
  #headerBytes = 0;
  #message: Buffer | undefined;
  #messageBytes = 0;
  #chunkBytes = 0;

  /** `maxBytes` bounds one message, its length field not counted. */
  constructor(maxBytes: number, memory: PacketMemory) {
    this.#maxBytes = maxBytes;
    this.#memory = memory;
  }

  /** Bytes that this reader keeps: what waits to be cut, and the message that is not yet whole. */
  get heldBytes(): number {
    return this.#chunkBytes + (this.#message?.length ?? 0);
  }

  /** `chunk` belongs to this reader from then on. */
  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#chunkBytes += chunk.length;
  }

  /**
   * The next whole message without its length field, in memory that may be released; undefined until more bytes come.
   * @throws WireError for a length of 0 or over the limit, after which nothing can be read any more.
   */
  next(): Buffer | undefined {
    for (let chunk = this.#chunks[0]; chunk !== undefined; chunk = this.#chunks[0]) {
      const used = this.#message ? this.#fillMessage(this.#message, chunk) : this.#fillHeader(chunk);
      this.#chunkBytes -= used;
      this.#drop(chunk, used);
      if (this.#messageBytes > 0 && this.#messageBytes === this.#message?.length) return this.#take(this.#message);
    }
    return undefined;
  }

  #drop(chunk: Buffer, used: number): void {
    if (used < chunk.length) {
      this.#chunks[0] = chunk.subarray(used);
      return;
    }
    this.#chunks.shift();
    this.#memory.release(chunk);
  }

  #fillHeader(chunk: Buffer): number {
    const used = chunk.copy(this.#header, this.#headerBytes);
    this.#headerBytes += used;
    if (this.#headerBytes === lengthBytes) this.#message = this.#memory.take(this.#messageLength());
    return used;
  }

  #fillMessage(message: Buffer, chunk: Buffer): number {
    const used = chunk.copy(message, this.#messageBytes);
    this.#messageBytes += used;
    return used;
  }

  #messageLength(): number {
    const length = this.#header.readUInt32BE();
    if (length === 0 || length > this.#maxBytes) throw new WireError(`a message cannot have ${length} bytes`);
    return length;
  }

  #take(message: Buffer): Buffer {
    this.#headerBytes = 0;
    this.#message = undefined;
    this.#messageBytes = 0;
    return message;
  }
}
