import type { Socket } from "node:net";
import { createServer, type SecureContextOptions, type Server, type TLSSocket } from "node:tls";
import { limits } from "../../core/limits.ts";

/**
 * For one control connection and its data connections. It never listens: only Node's own server verifies client
 * certificates, and lets a client of TLS 1.2 that takes no tickets, such as curl, resume its session by id.
 */
export function createConnectionServer(options: SecureContextOptions & { requestCert: boolean }): Server {
  const server = createServer({ ...options, rejectUnauthorized: false, handshakeTimeout: limits.handshakeMs });
  let first: { readonly id: Buffer; readonly session: Buffer } | undefined;
  server.on("newSession", (id, session, done) => {
    first ??= { id, session };
    done();
  });
  server.on("resumeSession", (id, done) => done(null, first?.id.equals(id) ? first.session : null));
  return server;
}

/**
 * Does the server's side of the handshake on a connected socket. The answer knows whether the client's certificate
 * was verified. @throws when the handshake fails or takes longer than limits.handshakeMs; the socket is closed then.
 */
export function secureControlSocket(socket: Socket, server: Server): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    server.once("secureConnection", resolve);
    server.once("tlsClientError", (error) => {
      socket.destroy();
      reject(error);
    });
    server.emit("connection", socket);
  });
}
