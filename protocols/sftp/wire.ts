/** Bytes that are not what the protocol says. The message is one sentence that may be shown to the client. */
export class WireError extends Error {
  override readonly name = "WireError";
}

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Reads the data types of RFC 4251 §5 from one message. Every read is checked. @throws WireError past the end. */
export class WireReader {
  readonly #bytes: Buffer;
  #position: number;

  constructor(bytes: Buffer, position = 0) {
    this.#bytes = bytes;
    this.#position = position;
  }

  get remaining(): number {
    return this.#bytes.length - this.#position;
  }

  byte(): number {
    return this.#bytes.readUInt8(this.#advance(1));
  }

  uint32(): number {
    return this.#bytes.readUInt32BE(this.#advance(4));
  }

  /** @throws WireError for numbers that JavaScript cannot hold exactly, rather than rounding them. */
  uint64(): number {
    const at = this.#advance(8);
    const value = this.#bytes.readUInt32BE(at) * 2 ** 32 + this.#bytes.readUInt32BE(at + 4);
    if (!Number.isSafeInteger(value)) throw new WireError("a number in the request is too large");
    return value;
  }

  /** A view on the message. */
  string(): Buffer {
    const length = this.uint32();
    const start = this.#advance(length);
    return this.#bytes.subarray(start, start + length);
  }

  /** A handle, or a word that the protocol defines: one character a byte. */
  latin1(): string {
    return this.string().toString("latin1");
  }

  /** Text as the client wrote it. Undefined when it is not UTF-8: what that means depends on the text's role. */
  utf8(): string | undefined {
    const bytes = this.string();
    try {
      return strictUtf8.decode(bytes);
    } catch {
      return undefined;
    }
  }

  #advance(length: number): number {
    const start = this.#position;
    if (length > this.#bytes.length - start) throw new WireError("the request is shorter than its contents");
    this.#position = start + length;
    return start;
  }
}

/** Composes one message; it grows as needed. */
export class WireWriter {
  #bytes: Buffer;
  #length = 0;

  constructor(capacity = 128) {
    this.#bytes = Buffer.allocUnsafe(capacity);
  }

  get length(): number {
    return this.#length;
  }

  byte(value: number): this {
    const start = this.#reserve(1);
    this.#bytes.writeUInt8(value, start);
    return this;
  }

  uint32(value: number): this {
    const start = this.#reserve(4);
    this.#bytes.writeUInt32BE(value, start);
    return this;
  }

  uint64(value: number): this {
    const start = this.#reserve(8);
    this.#bytes.writeBigUInt64BE(BigInt(value), start);
    return this;
  }

  raw(bytes: Uint8Array): this {
    const start = this.#reserve(bytes.length);
    this.#bytes.set(bytes, start);
    return this;
  }

  string(value: string | Uint8Array): this {
    const bytes = typeof value === "string" ? Buffer.from(value, "utf8") : value;
    return this.uint32(bytes.length).raw(bytes);
  }

  /** Puts a number where one was written before it was known. */
  patchUint32(position: number, value: number): this {
    this.#bytes.writeUInt32BE(value, position);
    return this;
  }

  finish(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  /** May move the bytes, so it comes before any use of them. */
  #reserve(length: number): number {
    const start = this.#length;
    const end = start + length;
    if (end > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(end, 2 * this.#bytes.length));
      this.#bytes.copy(larger, 0, 0, start);
      this.#bytes = larger;
    }
    this.#length = end;
    return start;
  }
}
