import { Socket } from "node:net";
import { constants } from "node:os";
import { TLSSocket } from "node:tls";

/** Where what arrives goes. */
export interface UploadMemory {
  /** A place for at least one byte, asked for again after each piece. */
  readonly next: () => Buffer;
  /** So many bytes are in the place that was given last. False stops the reading until `resume`. */
  readonly took: (bytes: number) => boolean;
}

/**
 * What Node does not publish (lib/net.js, lib/internal/tls/wrap.js). `readStart` and `readStop` are libuv's
 * uv_read_start and uv_read_stop on the TCP connection below TLS; `reading` is false from the moment that this side
 * stops the reading. upload-path.ts finds out whether all of it is as it is described here.
 */
interface TlsHandle {
  readonly reading: boolean;
  readonly _parent?: { readStart(): number; readStop(): number };
  useUserBuffer?(memory: Buffer): void;
}

/**
 * The server's side of TLS on the data connection of an upload, all of it inside Node. To the stream, the client's
 * close_notify (RFC 8446 §6.1) and the end of the TCP connection look alike, but they come about in different places:
 *
 * - A close_notify is found while bytes of the connection are being deciphered; libuv is reading the connection then,
 *   unless this side has stopped it because there was enough.
 * - The end of the connection is told by libuv, which tells nothing while it is stopped, and stops before it does.
 *
 * So at the very moment of the end, libuv's answer to a request to start reading says which of the two it is.
 */
export class DirectUploadSocket extends TLSSocket {
  #endAnnounced: boolean | undefined;

  /** Whether libuv itself reads this connection; one that another program part hands on need not be such. */
  static canCarry(socket: Socket): boolean {
    const { _handle: handle } = socket as unknown as { readonly _handle?: object | null };
    return handle?.constructor.name === "TCP";
  }

  /** True once the client has said that nothing more will follow. */
  get endAnnounced(): boolean {
    return this.#endAnnounced ?? false;
  }

  override push(chunk: unknown, encoding?: BufferEncoding): boolean {
    // The first end is the one that counts: after a close_notify the connection ends too.
    if (chunk === null) this.#endAnnounced ??= isReading(this);
    return super.push(chunk, encoding);
  }

  /**
   * Has everything that follows deciphered into `memory` instead of memory of its own for each piece, without `data`
   * events. To be called when all that came before has been read. @throws where Node's inside is another.
   */
  readInto(memory: UploadMemory): void {
    const handle = handleOf(this);
    // A connection that is lost already says so itself.
    if (!handle) return;
    if (!handle.useUserBuffer) throw new Error("this version of Node does not read into given memory");
    const first = memory.next();
    Object.assign(this, {
      [memorySymbols.buffer]: first,
      [memorySymbols.callback]: memory.took,
      [memorySymbols.generator]: memory.next,
    });
    handle.useUserBuffer(first);
  }
}

/** Under which names a socket keeps the option `onread`, which Node takes only from who opens the connection. */
const memorySymbols = {
  buffer: socketSymbol("kBuffer"),
  callback: socketSymbol("kBufferCb"),
  generator: socketSymbol("kBufferGen"),
};

function socketSymbol(name: string): symbol {
  return Object.getOwnPropertySymbols(new Socket()).find(({ description }) => description === name) ?? Symbol(name);
}

function handleOf(socket: TLSSocket): TlsHandle | null {
  return (socket as unknown as { readonly _handle: TlsHandle | null })._handle;
}

/** Whether the TCP connection may have more to say, asked while its TLS ends. */
function isReading(socket: TLSSocket): boolean {
  const handle = handleOf(socket);
  if (!handle?._parent) return false;
  if (!handle.reading) return true;
  if (handle._parent.readStart() === -constants.errno.EALREADY) return true;
  handle._parent.readStop();
  return false;
}
