import { once } from "node:events";
import { createServer } from "node:http";
import { createServer as createTlsServer, type Server as TlsServer } from "node:https";
import { type AddressInfo, isIPv6, Server as NetServer, type Socket } from "node:net";
import { limits } from "../../core/limits.ts";
import type { HttpApplication, HttpLog } from "./application.ts";
import { answerClientError } from "./client-error.ts";
import { Connections } from "./connections.ts";
import { serve } from "./serve.ts";

/** A certificate chain and its private key, both in PEM. */
export interface TlsIdentity {
  readonly certificate: string;
  readonly privateKey: string;
}

/** The times that a server keeps, in milliseconds. */
export type HttpTimes = Pick<
  typeof limits,
  "httpHeadersMs" | "httpRequestMs" | "httpKeepAliveMs" | "httpIdleMs" | "httpCheckMs" | "httpLingerMs"
>;

export interface HttpServerOptions {
  readonly application: HttpApplication;
  /** Port 0 lets the system choose. */
  readonly listen: { readonly host: string; readonly port: number };
  /** Makes it HTTPS. Asked at each connection, so that a renewed certificate needs no restart. */
  readonly tls?: (() => TlsIdentity) | undefined;
  readonly log: HttpLog;
  readonly times?: HttpTimes;
}

export interface HttpServer {
  /** Resolves when the server listens; rejects when the address is not to be had. */
  listen(): Promise<{ readonly url: string }>;
  /**
   * Takes no more connections and no more requests on idle ones. Resolves when every request has been answered,
   * however long its client takes; `close` cuts that short.
   */
  drain(): Promise<void>;
  /** Ends at once, also what is in progress. */
  close(): Promise<void>;
}

/** HTTP/1.1 (RFC 9112) on a socket, in front of an application. */
export function createHttpServer(options: HttpServerOptions): HttpServer {
  const { listen, tls, log, times = limits } = options;
  const server = tls ? createHttpsServer(tls, times, log) : createServer(settingsFrom(times));
  const connections = new Connections();
  server.timeout = times.httpIdleMs;
  server.maxConnections = limits.connections;
  server.on("connection", (socket: Socket) => connections.accepted(socket));
  server.on(tls ? "secureConnection" : "connection", (socket: Socket) => connections.opened(socket));
  server.on("request", (incoming, outgoing) => {
    if (connections.begun(incoming, outgoing)) void serve(options, incoming, outgoing);
  });
  server.on("clientError", ({ code }: NodeJS.ErrnoException, duplex) => {
    // An HTTP server reads from sockets; Node's types allow for others that are handed to it.
    const socket = duplex as Socket;
    answerClientError({ code, socket, requests: connections.requestsOn(socket), lingerMs: times.httpLingerMs });
  });
  return {
    async listen() {
      server.listen(listen);
      await once(server, "listening");
      server.on("error", (error) => log.error("the HTTP server failed", { error: `${error}` }));
      const { port } = server.address() as AddressInfo;
      return { url: `${tls ? "https" : "http"}://${isIPv6(listen.host) ? `[${listen.host}]` : listen.host}:${port}` };
    },
    async drain() {
      const closed = once(server, "close");
      // The close of an HTTP server destroys connections whose last response still waits for a slow reader.
      NetServer.prototype.close.call(server);
      connections.drain();
      await closed;
    },
    async close() {
      const closed = once(server, "close");
      server.close();
      connections.destroy();
      await closed;
    },
  };
}

function settingsFrom(times: HttpTimes) {
  return {
    maxHeaderSize: limits.httpHeaderBytes,
    headersTimeout: times.httpHeadersMs,
    requestTimeout: times.httpRequestMs,
    connectionsCheckingInterval: times.httpCheckMs,
    keepAliveTimeout: times.httpKeepAliveMs,
    // Node would answer without a problem document; toRequest looks for Host.
    requireHostHeader: false,
  };
}

function createHttpsServer(tls: () => TlsIdentity, times: HttpTimes, log: HttpLog): TlsServer {
  const contextOf = ({ certificate, privateKey }: TlsIdentity) =>
    ({ cert: certificate, key: privateKey, minVersion: "TLSv1.2" }) as const;
  let identity = tls();
  const settings = { ...settingsFrom(times), handshakeTimeout: limits.handshakeMs };
  const server = createTlsServer({ ...settings, ...contextOf(identity) });
  server.prependListener("connection", () => {
    try {
      const current = tls();
      if (current.certificate === identity.certificate && current.privateKey === identity.privateKey) return;
      server.setSecureContext(contextOf(current));
      identity = current;
    } catch (error) {
      log.error("the TLS certificate cannot be used; the one before stays", { error: `${error}` });
    }
  });
  return server;
}
