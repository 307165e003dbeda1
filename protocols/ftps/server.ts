import { createServer, type Server, type Socket } from "node:net";
import type { Peer } from "../../core/accounting-event.ts";
import { limits } from "../../core/limits.ts";
import { ConnectionCounter } from "../../service/session/admission.ts";
import type { OpenSession } from "../../service/session/open-session.ts";
import type { UploadPath } from "./data-connection.ts";
import type { FtpsLimits } from "./ftps-limits.ts";
import { plainAddress } from "./network-address.ts";
import type { PassivePorts } from "./passive-ports.ts";
import { type FtpsLog, type InterpreterSettings, ProtocolInterpreter } from "./protocol-interpreter.ts";
import { formatReply } from "./replies.ts";
import { type SessionReuse, type TlsMaterial, TlsSettings } from "./tls-settings.ts";
import { probeUploadPath } from "./upload-path.ts";

export interface FtpsListener {
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** TLS starts with the first byte; otherwise with AUTH TLS. */
  readonly implicit: boolean;
  /** Logins and data without TLS, for networks that protect them in another way. Told as a warning at the start. */
  readonly plain?: boolean;
  /** `PROT C` under a control connection with TLS. */
  readonly allowClearData?: boolean;
}

export interface FtpsServerOptions {
  readonly openSession: OpenSession;
  readonly listeners: readonly FtpsListener[];
  /** Asked at the start and at each connection, so that a renewed certificate needs no restart. */
  readonly tls: () => TlsMaterial;
  readonly sessionReuse: SessionReuse;
  readonly passivePorts: PassivePorts;
  /** The IPv4 address that PASV answers; undefined means the one that the client connected to. */
  readonly passiveAddress: string | undefined;
  readonly log: FtpsLog;
  /** Tests make some limits smaller. */
  readonly limits?: Partial<FtpsLimits>;
  /** Tests choose; otherwise the cheapest that is found to work. */
  readonly uploadPath?: UploadPath;
}

export interface FtpsServer {
  /** Starts all listeners; answers where they listen, in their order. Rejects when one of them cannot. */
  listen(): Promise<{ readonly host: string; readonly port: number }[]>;
  /**
   * Serves a client whose connection was accepted elsewhere as one of the listener at this place.
   * @param peer who it is, where the connection was passed on and does not say so
   */
  accept(socket: Socket, listener: number, peer?: Peer): void;
  /** Takes no new clients and no new commands; resolves when every transfer under way has ended. */
  drain(): Promise<void>;
  /** Ends everything at once; resolves when the ends are on record. */
  close(): Promise<void>;
}

/** An FTP server with TLS: RFC 959, 2228, 2389, 2428, 3659 and 4217 (docs/protocols/ftps.md). */
export function createFtpsServer(options: FtpsServerOptions): FtpsServer {
  return new ListeningServer(options);
}

class ListeningServer implements FtpsServer {
  readonly #options: FtpsServerOptions;
  readonly #tls: TlsSettings;
  readonly #connections = new ConnectionCounter();
  readonly #clients = new Set<ProtocolInterpreter>();
  readonly #servers: readonly Server[];
  #uploadPath: UploadPath = "copying";
  #probe: Promise<void> | undefined;

  constructor(options: FtpsServerOptions) {
    this.#options = options;
    this.#tls = new TlsSettings(options.tls, options.log);
    this.#servers = options.listeners.map((listener) => {
      const settings = this.#settingsOf(listener);
      return createServer({ noDelay: true, keepAlive: true }, (socket) => this.#accept(socket, settings));
    });
  }

  accept(socket: Socket, index: number, peer?: Peer): void {
    const listener = this.#options.listeners[index];
    if (!listener) return void socket.destroy();
    const failed = (error: unknown) => {
      this.#options.log.error("FTPS takes no connections", { error: `${error}` });
      socket.destroy();
    };
    this.#findUploadPath().then(() => this.#accept(socket, this.#settingsOf(listener, peer)), failed);
  }

  async listen(): Promise<{ host: string; port: number }[]> {
    await this.#findUploadPath();
    const addresses = await Promise.all(this.#servers.map((server, index) => this.#listenOn(server, index)));
    for (const [index, { host, port }] of addresses.entries()) {
      if (!this.#options.listeners[index]?.plain) continue;
      this.#options.log.warn(`FTP without TLS is allowed on ${host}:${port}: passwords and files travel in clear`);
    }
    return addresses;
  }

  async drain(): Promise<void> {
    for (const server of this.#servers) server.close();
    for (const client of this.#clients) client.drain();
    await Promise.all([...this.#clients].map((client) => client.closed));
  }

  async close(): Promise<void> {
    for (const server of this.#servers) server.close();
    for (const client of this.#clients) client.close();
    await Promise.all([...this.#clients].map((client) => client.closed));
  }

  /** Once. @throws where no way of an upload tells whether it was whole. */
  #findUploadPath(): Promise<void> {
    this.#probe ??= this.#probeUploadPath();
    return this.#probe;
  }

  async #probeUploadPath(): Promise<void> {
    this.#uploadPath = this.#options.uploadPath ?? (await probeUploadPath(this.#tls.forConnection()));
    if (this.#uploadPath === "direct" || this.#options.uploadPath) return;
    this.#options.log.warn("FTPS uploads cost more than usual with this version of Node");
  }

  #settingsOf(
    { implicit, plain = false, allowClearData = false }: FtpsListener,
    peer?: Peer | undefined,
  ): InterpreterSettings {
    const { openSession, log, passivePorts, passiveAddress, sessionReuse } = this.#options;
    const inForce = { ...limits, ...this.#options.limits };
    return {
      openSession,
      log,
      policy: { plain, allowClearData },
      passive: { ports: passivePorts, address: passiveAddress },
      control: {
        tls: this.#tls,
        sessionReuse,
        isImplicit: implicit,
        limits: inForce,
        uploadPath: () => this.#uploadPath,
        peer,
      },
    };
  }

  #listenOn(server: Server, index: number): Promise<{ host: string; port: number }> {
    const { host = "", port } = this.#options.listeners[index] ?? {};
    return new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen({ host, port }, () => {
        server.removeListener("error", reject);
        const address = server.address();
        resolve({ host, port: address !== null && typeof address === "object" ? address.port : 0 });
      });
    });
  }

  #accept(socket: Socket, settings: InterpreterSettings): void {
    const address = settings.control.peer?.address ?? plainAddress(socket.remoteAddress);
    const admission = this.#connections.admit(address, () => client.evict());
    if (!admission) {
      refuse(socket, settings.control.isImplicit);
      return;
    }
    const client = new ProtocolInterpreter(socket, settings, admission);
    this.#clients.add(client);
    client.closed.then(
      () => this.#clients.delete(client),
      () => {},
    );
    client.start().catch((error: unknown) => this.#options.log.error("FTPS client failed", { error: `${error}` }));
  }
}

function refuse(socket: Socket, isImplicit: boolean): void {
  socket.on("error", () => {});
  if (!isImplicit) socket.write(formatReply({ code: 421, text: "Too many connections; try again later." }));
  socket.destroySoon();
}
