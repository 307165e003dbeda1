import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer, type Server as TlsServer } from "node:https";
import { type AddressInfo, isIPv6, Server as NetServer, type Socket } from "node:net";
import { limits } from "../../core/limits.ts";
import type { HttpApplication, HttpLog } from "./application.ts";
import { answerClientError } from "./client-error.ts";
import { Connections } from "./connections.ts";
import { ContentWatch } from "./content-watch.ts";
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
  const refuse = (code: string | undefined, socket: Socket) =>
    answerClientError({ code, socket, requests: connections.requestsOn(socket), lingerMs: times.httpLingerMs });
  const watch = new ContentWatch(times.httpRequestMs, ({ socket }) => refuse("ERR_HTTP_REQUEST_TIMEOUT", socket));
  const checks = setInterval(() => watch.check(), times.httpCheckMs).unref();
  server.once("close", () => clearInterval(checks));
  const take = (awaitsContinue: boolean) => (incoming: IncomingMessage, outgoing: ServerResponse) => {
    if (!connections.begun(incoming, outgoing)) return;
    watch.begun(incoming);
    void serve({ ...options, lingerMs: times.httpLingerMs }, { incoming, outgoing, awaitsContinue });
  };
  server.on("request", take(false));
  server.on("checkContinue", take(true));
  server.on("timeout", (socket: Socket) => {
    if (!connections.isAnswering(socket)) socket.destroy();
  });
  // An HTTP server reads from sockets; Node's types allow for others that are handed to it.
  server.on("clientError", ({ code }: NodeJS.ErrnoException, duplex) => refuse(code, duplex as Socket));
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
    // ContentWatch looks at the content instead: by progress, where Node would count the whole time.
    requestTimeout: 0,
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
