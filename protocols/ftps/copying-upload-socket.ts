import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { TLSSocket, type TLSSocketOptions } from "node:tls";
import { limits } from "../../core/limits.ts";

/**
 * The server's side of TLS on the data connection of an upload. Two things need the ciphertext to pass through this
 * process's hands:
 *
 * - An end that the client announced (close_notify, RFC 8446 §6.1) is told from one that merely happened to its TCP
 *   connection. Node's TLS sockets end in the same way for both, and behind the warning `user_canceled`, which Java
 *   sends before every close_notify, Node sees no close_notify at all. OpenSSL does, and from then on ignores what
 *   follows, as the standard asks. So at the end of the connection it is given bytes that are no TLS: it takes
 *   offence at them only if nothing announced the end.
 * - The session tickets that TLS 1.3 sends behind the handshake are held back until the client has sent everything. A
 *   client that only writes may close without having read them, and TCP then resets the connection and drops what is
 *   still on its way (RFC 9293 §3.6.1).
 */
export class CopyingUploadSocket extends TLSSocket {
  readonly #ciphertext: Ciphertext;
  #endAnnounced = false;

  constructor(socket: Socket, options: TLSSocketOptions) {
    const ciphertext = new Ciphertext(socket);
    super(ciphertext, options);
    this.#ciphertext = ciphertext;
    // What Node does not publish (lib/internal/tls/wrap.js): it tells nobody else of what offends OpenSSL in a socket
    // that no server of its own has made. upload-path.ts finds out whether it does.
    this.once("_tlsError", () => this.destroy());
    // In TLS 1.2 the client still waits for the server's last flight.
    this.once("secure", () => this.getProtocol() === "TLSv1.3" && ciphertext.holdBack());
    // Not before all has been read: a client that has closed answers with a reset.
    this.once("end", () => ciphertext.letGo());
  }

  /** True once the client has said that nothing more will follow. */
  get endAnnounced(): boolean {
    return this.#endAnnounced;
  }

  /** True when the connection ended and the client had not said that nothing more will follow. */
  get wasCutOff(): boolean {
    return this.#ciphertext.hasEnded && !this.#endAnnounced;
  }

  /** Sends what is held back: the client turned out to want something, so it reads. */
  sendTickets(): void {
    this.#ciphertext.letGo();
  }

  override push(chunk: unknown, encoding?: BufferEncoding): boolean {
    // Where OpenSSL has taken offence the socket is destroyed by now.
    if (chunk === null && !this.destroyed) this.#endAnnounced = true;
    return super.push(chunk, encoding);
  }
}

/** Longer than any record (RFC 8446 §5.2), so that it does not fit into one that was cut off. */
const noTls = Buffer.alloc(17 * 1024);

type WriteDone = (error?: Error | null) => void;

/** The bytes of a socket, both ways. */
class Ciphertext extends Duplex {
  readonly #socket: Socket;
  #isHolding = false;
  #held: { readonly chunk: Buffer; readonly done: WriteDone } | undefined;
  /** True once the socket has received all that it ever will. */
  hasEnded = false;

  constructor(socket: Socket) {
    super({ readableHighWaterMark: limits.ftpsReceiveBytes });
    this.#socket = socket;
    socket.on("data", (chunk) => {
      if (!this.push(chunk)) socket.pause();
    });
    socket.once("end", () => this.#endWith(noTls));
    socket.once("error", (error) => this.destroy(error));
    socket.once("close", () => {
      // What arrived before the end is still read, however long that takes.
      if (!socket.readableEnded) this.destroy();
    });
  }

  /** Keeps what is written from here on. */
  holdBack(): void {
    this.#isHolding = true;
  }

  letGo(): void {
    this.#isHolding = false;
    if (this.#held) this.#socket.write(this.#held.chunk, this.#held.done);
    this.#held = undefined;
  }

  #endWith(trailer: Buffer): void {
    this.hasEnded = true;
    this.push(trailer);
    this.push(null);
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: WriteDone): void {
    if (this.#isHolding) this.#held = { chunk, done };
    else this.#socket.write(chunk, done);
  }

  override _final(done: () => void): void {
    this.#socket.end(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.destroy();
    // TLS waits for its writes before it closes.
    this.#held?.done(error ?? new Error("the connection was closed"));
    done(error);
  }
}
