import { once } from "node:events";
import { type AddressInfo, createServer, type Server as NetServer, type Socket } from "node:net";
import ssh2 from "ssh2";
import type { Peer } from "../../core/accounting-event.ts";
import { limits as productLimits } from "../../core/limits.ts";
import { ConnectionCounter } from "../../service/session/admission.ts";
import type { OpenSession } from "../../service/session/open-session.ts";
import { type AlgorithmPolicy, offeredAlgorithms, olderMacsFor, readHostKeys } from "./algorithms.ts";
import { ClientConnection } from "./client-connection.ts";
import { sshCryptoStatus } from "./crypto-status.ts";
import type { SftpLog } from "./log.ts";
import { PacketMemory } from "./packet-memory.ts";
import type { SftpLimits } from "./request-context.ts";
import { readIntoReusedMemory } from "./reused-input.ts";
import { alsoOfferMacs } from "./ssh2-internals.ts";

export interface SftpServerOptions {
  readonly openSession: OpenSession;
  /** Private keys in PEM or in OpenSSH's format, the preferred first. */
  readonly hostKeys: readonly string[];
  /** What is offered; by default `strict`. */
  readonly algorithms?: AlgorithmPolicy | undefined;
  readonly listen: { readonly host: string; readonly port: number };
  readonly log: SftpLog;
  /** Shown to every client before it logs in. */
  readonly banner?: string | undefined;
  /** Tests make some limits smaller. */
  readonly limits?: Partial<SftpLimits>;
}

/** What the server does at this moment. */
export interface SftpServerStatus {
  readonly connections: number;
  readonly unauthenticated: number;
  /** Bytes in memory on behalf of clients, between the network and the store. */
  readonly heldBytes: number;
}

export interface SftpServer {
  /** @throws Error when the address cannot be listened on. */
  listen(): Promise<{ host: string; port: number }>;
  /**
   * Serves a client whose connection was accepted elsewhere, paused from the start.
   * @param peer who it is, where the connection was passed on and does not say so
   */
  accept(socket: Socket, peer?: Peer): void;
  status(): SftpServerStatus;
  /**
   * For clients from here on; those that are connected go on with the keys that they know.
   * @throws Error when a host key cannot be read
   */
  useHostKeys(hostKeys: readonly string[]): void;
  /**
   * Takes no new connections and waits up to limits.drainMs for those that have work to do; then ends the rest with
   * `admin-reboot`. Resolves when every session's end is on record.
   */
  drain(): Promise<void>;
  /** As {@link drain} without the wait. */
  close(): Promise<void>;
}

/**
 * An SFTP version 3 server (draft-ietf-secsh-filexfer-02) over ssh2's transport. The sockets are this server's own,
 * so that deadlines, numbers and buffers can be bounded.
 * @throws Error when a host key cannot be read.
 */
export function createSftpServer(options: SftpServerOptions): SftpServer {
  return new Listener(options);
}

class Listener implements SftpServer {
  readonly #options: SftpServerOptions;
  readonly #limits: SftpLimits;
  #ssh: ssh2.Server;
  readonly #net: NetServer;
  readonly #memory: PacketMemory;
  readonly #hasNativeCiphers = sshCryptoStatus().native;
  readonly #connections = new Map<string, ClientConnection>();
  readonly #counter: ConnectionCounter;
  readonly #checks: NodeJS.Timeout;
  #isDraining = false;

  constructor(options: SftpServerOptions) {
    this.#options = options;
    this.#limits = { ...productLimits, ...options.limits };
    this.#memory = new PacketMemory(this.#limits.sftpKeptPacketBytes);
    this.#counter = new ConnectionCounter(this.#limits);
    this.#ssh = this.#createTransport(options.hostKeys);
    this.#net = createServer({ noDelay: true, keepAlive: true, pauseOnConnect: true }, (socket) => this.accept(socket));
    this.#net.on("error", (error) => options.log.error("sftp listener failed", { error: error.message }));
    this.#checks = setInterval(() => this.#check(), this.#limits.sftpCheckMs).unref();
  }

  #createTransport(hostKeys: readonly string[]): ssh2.Server {
    const { banner, algorithms = "strict" } = this.#options;
    const transport = new ssh2.Server({
      hostKeys: readHostKeys(hostKeys),
      algorithms: offeredAlgorithms(this.#hasNativeCiphers, algorithms),
      ident: "Ferrygate",
      keepaliveInterval: this.#limits.sshKeepaliveMs,
      keepaliveCountMax: this.#limits.sshKeepaliveCount,
      ...(banner !== undefined && { banner }),
    });
    transport.on("connection", (client, info) => {
      const olderMacs = algorithms === "strict" ? olderMacsFor(info.header.versions.software) : [];
      if (olderMacs.length > 0) alsoOfferMacs(client, olderMacs);
      this.#connections.get(connectionName(info.ip, info.port))?.attach(client, info);
    });
    return transport;
  }

  useHostKeys(hostKeys: readonly string[]): void {
    this.#ssh = this.#createTransport(hostKeys);
  }

  async listen(): Promise<{ host: string; port: number }> {
    this.#net.listen(this.#options.listen);
    await once(this.#net, "listening");
    const { address, port } = this.#net.address() as AddressInfo;
    return { host: address, port };
  }

  status(): SftpServerStatus {
    const connections = [...this.#connections.values()];
    return {
      connections: connections.length,
      unauthenticated: this.#counter.strangers,
      heldBytes: connections.reduce((sum, connection) => sum + connection.heldBytes, 0),
    };
  }

  async drain(): Promise<void> {
    this.#isDraining = true;
    const timer = setTimeout(() => this.#endAll(), this.#limits.drainMs);
    this.#check();
    await this.#stopped();
    clearTimeout(timer);
  }

  async close(): Promise<void> {
    this.#endAll();
    await this.#stopped();
  }

  #endAll(): void {
    for (const connection of this.#connections.values()) connection.end("admin-reboot");
  }

  async #stopped(): Promise<void> {
    if (this.#net.listening) this.#net.close();
    await Promise.all([...this.#connections.values()].map((connection) => connection.done));
    clearInterval(this.#checks);
  }

  accept(accepted: Socket, passedOn?: Peer): void {
    const { remoteAddress, remotePort } = accepted;
    if (remoteAddress === undefined || remotePort === undefined) {
      accepted.destroy();
      return;
    }
    const peer = passedOn ?? { address: plainAddress(remoteAddress), port: remotePort };
    const { address } = peer;
    const name = connectionName(remoteAddress, remotePort);
    const admission = this.#counter.admit(address, () => this.#connections.get(name)?.evict());
    if (!admission) {
      accepted.destroy();
      return;
    }
    const socket = readIntoReusedMemory(accepted, () => this.#connections.get(name)?.usesInputAtOnce ?? false);
    const connection = new ClientConnection(socket, peer, {
      openSession: this.#options.openSession,
      limits: this.#limits,
      log: this.#options.log,
      hasNativeCiphers: this.#hasNativeCiphers,
      memory: this.#memory,
      authenticated: () => admission.authenticated(),
    });
    this.#connections.set(name, connection);
    void connection.done.finally(() => {
      admission.release();
      this.#connections.delete(name);
    });
    this.#ssh.injectSocket(socket);
  }

  #check(): void {
    const nowMs = performance.now();
    for (const connection of this.#connections.values()) {
      connection.check(nowMs);
      if (this.#isDraining && connection.isQuiet(nowMs)) connection.end("admin-reboot");
    }
  }
}

/** ssh2 tells which connection it means by the address and port of its other end. */
function connectionName(address: string, port: number): string {
  return `${address} ${port}`;
}

/** An IPv4 address as such, also where the listener takes both families (RFC 4291 §2.5.5.2). */
function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, "");
}
