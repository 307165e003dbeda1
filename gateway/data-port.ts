import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { limits as productLimits } from "../core/limits.ts";
import type { AddressBlock } from "../core/source-address.ts";
import type { Log } from "../ports/runtime.ts";
import { plainAddress } from "../protocols/ftps/network-address.ts";
import { type ProxiedConnection, readProxyHeader } from "./proxy-protocol.ts";

/** A connection whose header has been read: what is still to be read is the client's. */
export interface Arrival {
  /** Paused. */
  readonly socket: Socket;
  readonly connection: ProxiedConnection;
  /** It comes from another task. */
  readonly isRelayed: boolean;
}

/** Of core/limits.ts. */
export interface HeaderLimits {
  readonly proxyHeaderMs: number;
  readonly proxyHeadersAwaited: number;
  readonly proxyWarningMs: number;
}

export interface DataPortOptions {
  readonly listen: { readonly host: string; readonly port: number };
  /** From where a header is believed; every other connection is broken off. */
  readonly trustedProxies: readonly AddressBlock[];
  readonly arrived: (arrival: Arrival) => void;
  readonly log: Log;
  /** Tests make some limits smaller. */
  readonly limits?: Partial<HeaderLimits>;
}

/** Why connections were turned away. */
export type RefusedHeader = "untrusted-network" | "invalid-header" | "late-header" | "too-many-headers";

/**
 * The one port on which connections arrive that carry a PROXY header: FTPS data connections from the load balancer,
 * and connections from other tasks. A load balancer sends the header together with the client's first bytes, so until
 * then nothing is known of a connection, and waiting for it is bounded in time and number.
 */
export class DataPort {
  readonly #options: DataPortOptions;
  readonly #limits: HeaderLimits;
  readonly #server: Server;
  /** The one that has waited longest comes first. */
  readonly #awaited = new Set<Socket>();
  readonly #sockets = new Set<Socket>();
  readonly #refused = new Map<RefusedHeader, number>();
  #warnedAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: DataPortOptions) {
    this.#options = options;
    this.#limits = { ...productLimits, ...options.limits };
    const settings = { noDelay: true, keepAlive: true, keepAliveInitialDelay: productLimits.tcpKeepaliveMs };
    this.#server = createServer({ ...settings, pauseOnConnect: true }, (socket) => this.#accept(socket));
  }

  /** How many connections were turned away so far, by reason. */
  get refused(): ReadonlyMap<RefusedHeader, number> {
    return this.#refused;
  }

  /** Connections whose header has not come yet. */
  get awaited(): number {
    return this.#awaited.size;
  }

  async listen(): Promise<{ host: string; port: number }> {
    this.#server.listen(this.#options.listen);
    await once(this.#server, "listening");
    const { address, port } = this.#server.address() as AddressInfo;
    return { host: address, port };
  }

  /** Takes nothing more, and breaks off what came in and is still open. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
    socket.on("error", () => {});
    const address = plainAddress(socket.remoteAddress);
    if (!this.#options.trustedProxies.some((block) => block.contains(address))) {
      this.#refuse(socket, "untrusted-network", { address });
      return;
    }
    this.#makeRoom();
    this.#readHeader(socket);
  }

  /** Whoever opens connections and sends nothing loses his own: what belongs to a transfer sends at once. */
  #makeRoom(): void {
    const [oldest] = this.#awaited;
    if (oldest && this.#awaited.size >= this.#limits.proxyHeadersAwaited) this.#refuse(oldest, "too-many-headers", {});
  }

  #readHeader(socket: Socket): void {
    let bytes: Buffer = Buffer.alloc(0);
    const timer = setTimeout(() => this.#late(socket, bytes), this.#limits.proxyHeaderMs);
    const settle = () => {
      clearTimeout(timer);
      this.#awaited.delete(socket);
      socket.removeListener("data", read);
    };
    const read = (chunk: Buffer) => {
      bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk]);
      const header = readProxyHeader(bytes);
      if (header.kind === "incomplete") return;
      settle();
      socket.pause();
      if (header.kind === "invalid") this.#refuse(socket, "invalid-header", { reason: header.reason });
      else if (header.kind === "local") socket.destroySoon();
      else this.#arrived(socket, bytes.subarray(header.length), header);
    };
    this.#awaited.add(socket);
    socket.on("data", read);
    socket.once("close", settle);
    socket.resume();
  }

  /** A probe that connects and says nothing is no attack. */
  #late(socket: Socket, bytes: Buffer): void {
    if (bytes.length === 0) socket.destroy();
    else this.#refuse(socket, "late-header", {});
  }

  #arrived(socket: Socket, rest: Buffer, header: Pick<Arrival, "connection" | "isRelayed">): void {
    if (rest.length > 0) socket.unshift(rest);
    this.#options.arrived({ socket, connection: header.connection, isRelayed: header.isRelayed });
  }

  #refuse(socket: Socket, reason: RefusedHeader, fields: Readonly<Record<string, unknown>>): void {
    socket.resetAndDestroy();
    this.#refused.set(reason, (this.#refused.get(reason) ?? 0) + 1);
    // Whoever sends these could fill the log with them.
    const nowMs = performance.now();
    if (nowMs - this.#warnedAtMs < this.#limits.proxyWarningMs) return;
    this.#warnedAtMs = nowMs;
    this.#options.log.warn("a connection to the data port is refused", { reason, ...fields });
  }
}
