import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { createServer, type SecureContext, type SecureContextOptions, TLSSocket } from "node:tls";
import { limits } from "../../core/limits.ts";

/**
 * Does the server's side of the handshake on a connected socket. The answer knows whether the client's certificate
 * was verified. @throws when the handshake fails or takes longer than limits.handshakeMs; the socket is closed then.
 */
export function secureControlSocket(socket: Socket, options: SecureContextOptions & { requestCert: boolean }) {
  return new Promise<TLSSocket>((resolve, reject) => {
    // A server that never listens: only Node's own one verifies client certificates.
    const server = createServer({ ...options, rejectUnauthorized: false, handshakeTimeout: limits.handshakeMs });
    server.once("secureConnection", resolve);
    server.once("tlsClientError", (error) => {
      socket.destroy();
      reject(error);
    });
    server.emit("connection", socket);
  });
}

/**
 * The server's side of TLS on a data connection that tells an end that the client announced (close_notify, RFC 8446
 * §6.1) from one that merely happened to its TCP connection. Node's TLS sockets end in the same way for both, so the
 * ciphertext passes through this process's hands, which sees its end before TLS does.
 */
export class UploadTlsSocket extends TLSSocket {
  readonly #ciphertext: Ciphertext;
  #endAnnounced = false;

  constructor(socket: Socket, secureContext: SecureContext) {
    const ciphertext = new Ciphertext(socket);
    super(ciphertext, { isServer: true, secureContext });
    this.#ciphertext = ciphertext;
  }

  /** True once the client has said that nothing more will follow. */
  get endAnnounced(): boolean {
    return this.#endAnnounced;
  }

  override push(chunk: unknown, encoding?: BufferEncoding): boolean {
    if (chunk === null && !this.#ciphertext.hasEnded) this.#endAnnounced = true;
    return super.push(chunk, encoding);
  }
}

/** The bytes of a socket, and whether their end was passed on. */
class Ciphertext extends Duplex {
  readonly #socket: Socket;
  hasEnded = false;

  constructor(socket: Socket) {
    super({ readableHighWaterMark: limits.ftpsReceiveBytes });
    this.#socket = socket;
    // The first listener: it runs before the one that tells TLS.
    this.once("end", () => {
      this.hasEnded = true;
    });
    socket.on("data", (chunk) => {
      if (!this.push(chunk)) socket.pause();
    });
    socket.once("end", () => this.push(null));
    socket.once("error", (error) => this.destroy(error));
    socket.once("close", () => {
      // What arrived before the end is still read, however long that takes.
      if (!socket.readableEnded) this.destroy();
    });
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.write(chunk, done);
  }

  override _final(done: () => void): void {
    this.#socket.end(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }
}
