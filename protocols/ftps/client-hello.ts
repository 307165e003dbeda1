import type { Socket } from "node:net";
import { InactivityTimer } from "./inactivity-timer.ts";

/** RFC 6961, given up by TLS 1.3, and RFC 8446 §4.2.3. */
const statusRequestV2 = 17;
const signatureAlgorithmsCert = 50;

const recordType = { handshake: 22 };
const messageType = { clientHello: 1 };

/**
 * The first bytes of a client, which stay where they are. @throws when the connection ends before they come, or they
 * take too long; the connection is closed then.
 */
export function peek(socket: Socket, withinMs: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const timer = new InactivityTimer(withinMs, () => socket.destroy());
    const ended = () => {
      timer.stop();
      reject(new Error("the connection has ended"));
    };
    socket.once("close", ended);
    socket.once("data", (chunk: Buffer) => {
      timer.stop();
      socket.removeListener("close", ended);
      socket.pause();
      socket.unshift(chunk);
      resolve(chunk);
    });
    socket.resume();
  });
}

/**
 * Whether a client says `user_canceled` before its close_notify, as Java's own TLS (JSSE) does in TLS 1.3. Nothing
 * tells that beforehand; but a ClientHello of JSSE has extensions that those of OpenSSL and GnuTLS do not have. True
 * also for what cannot be read.
 * @param record the first bytes of the client
 */
export function mayCancelBeforeEnd(record: Uint8Array): boolean {
  const extensions = extensionsOf(record);
  return !extensions || extensions.includes(statusRequestV2) || extensions.includes(signatureAlgorithmsCert);
}

/** The types of the extensions of a ClientHello (RFC 8446 §4.1.2) that came whole; undefined for anything else. */
function extensionsOf(record: Uint8Array): readonly number[] | undefined {
  if (record[0] !== recordType.handshake || record[5] !== messageType.clientHello) return undefined;
  // The headers of the record and of the message, the version, and the random value.
  const bytes = new ByteReader(record, 5 + 4 + 2 + 32);
  // The session id, the cipher suites and the compression methods.
  for (const lengthBytes of [1, 2, 1]) bytes.skip(bytes.number(lengthBytes));
  const types: number[] = [];
  for (let leftBytes = bytes.number(2); leftBytes > 0 && bytes.isWhole; ) {
    types.push(bytes.number(2));
    const length = bytes.number(2);
    bytes.skip(length);
    leftBytes -= 4 + length;
  }
  return bytes.isWhole ? types : undefined;
}

class ByteReader {
  readonly #bytes: Uint8Array;
  #position: number;

  constructor(bytes: Uint8Array, position: number) {
    this.#bytes = bytes;
    this.#position = position;
  }

  /** False once more was asked for than there is; numbers from there on are 0. */
  get isWhole(): boolean {
    return this.#position <= this.#bytes.length;
  }

  number(lengthBytes: number): number {
    let value = 0;
    for (let index = 0; index < lengthBytes; index += 1)
      value = value * 256 + (this.#bytes[this.#position + index] ?? 0);
    this.#position += lengthBytes;
    return value;
  }

  skip(lengthBytes: number): void {
    this.#position += lengthBytes;
  }
}
