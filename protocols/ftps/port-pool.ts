import { randomInt } from "node:crypto";
import { createServer, type Server, type Socket } from "node:net";
import { AwaitedConnection } from "./awaited-connection.ts";
import { plainAddress } from "./network-address.ts";
import type { PassivePort, PassivePorts } from "./passive-ports.ts";

export interface PortPoolOptions {
  readonly host: string;
  /** Both included; with 0 and 0 the system chooses, as many as are needed. */
  readonly first: number;
  readonly last: number;
  readonly log: { warn(message: string, fields?: Readonly<Record<string, unknown>>): void };
}

/** Passive ports of one process, which listens on them itself. */
export interface ListeningPassivePorts extends PassivePorts {
  /** Closes the ports and what came in through them. */
  close(): Promise<void>;
}

/**
 * Ports are opened when they are first needed and stay open. Each can wait for one connection from every client
 * address at a time, so a range of n ports holds n sessions of one address that all wait at once; a connection that
 * has arrived occupies its port no longer.
 */
export function createPortPool(options: PortPoolOptions): ListeningPassivePorts {
  return new PortPool(options);
}

class PortPool implements ListeningPassivePorts {
  readonly #options: PortPoolOptions;
  readonly #listeners: PortListener[];

  constructor(options: PortPoolOptions) {
    this.#options = options;
    const { first, last } = options;
    const ports = first === 0 ? [] : Array.from({ length: last - first + 1 }, (_, index) => first + index);
    this.#listeners = ports.map((port) => new PortListener(options.host, port));
  }

  /** Starts at a random place, so that nobody can tell which port the next client gets. */
  async acquire(clientAddress: string): Promise<PassivePort | undefined> {
    const count = this.#listeners.length;
    const start = count > 0 ? randomInt(count) : 0;
    for (let step = 0; step < count; step += 1) {
      const lease = this.#listeners[(start + step) % count]?.reserve(clientAddress);
      if (lease && (await this.#opened(lease))) return lease;
    }
    return this.#options.first === 0 ? this.#extend(clientAddress) : undefined;
  }

  async close(): Promise<void> {
    await Promise.all(this.#listeners.map((listener) => listener.close()));
  }

  async #extend(clientAddress: string): Promise<PassivePort | undefined> {
    const listener = new PortListener(this.#options.host, 0);
    const lease = listener.reserve(clientAddress);
    this.#listeners.push(listener);
    return lease && (await this.#opened(lease)) ? lease : undefined;
  }

  /** Another program may hold a port of the range; the next one will do. */
  async #opened(lease: Lease): Promise<boolean> {
    try {
      await lease.listener.open();
      return true;
    } catch (error) {
      this.#options.log.warn("a passive port cannot be opened", { port: lease.port, error: `${error}` });
      lease.release();
      return false;
    }
  }
}

/** One port, and the leases on it by client address. */
class PortListener {
  readonly #host: string;
  readonly #server: Server;
  readonly #leases = new Map<string, Lease>();
  readonly #sockets = new Set<Socket>();
  #opening: Promise<void> | undefined;
  port: number;

  constructor(host: string, port: number) {
    this.#host = host;
    this.port = port;
    this.#server = createServer({ pauseOnConnect: true }, (socket) => this.#accept(socket));
  }

  /** Undefined when a session of this address waits here already. */
  reserve(clientAddress: string): Lease | undefined {
    if (this.#leases.has(clientAddress)) return undefined;
    const lease = new Lease(this, clientAddress);
    this.#leases.set(clientAddress, lease);
    return lease;
  }

  forget(clientAddress: string): void {
    this.#leases.delete(clientAddress);
  }

  open(): Promise<void> {
    this.#opening ??= this.#listen().catch((error: unknown) => {
      this.#opening = undefined;
      throw error;
    });
    return this.#opening;
  }

  async close(): Promise<void> {
    for (const lease of [...this.#leases.values()]) lease.release();
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen({ host: this.#host, port: this.port }, () => {
        this.#server.removeListener("error", reject);
        const address = this.#server.address();
        if (address !== null && typeof address === "object") this.port = address.port;
        resolve();
      });
    });
  }

  #accept(socket: Socket): void {
    const lease = this.#leases.get(plainAddress(socket.remoteAddress));
    if (!lease) {
      socket.resetAndDestroy();
      return;
    }
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
    lease.arrive(socket);
  }
}

class Lease extends AwaitedConnection {
  readonly listener: PortListener;
  readonly #clientAddress: string;

  constructor(listener: PortListener, clientAddress: string) {
    super();
    this.listener = listener;
    this.#clientAddress = clientAddress;
  }

  get port(): number {
    return this.listener.port;
  }

  protected leave(): void {
    this.listener.forget(this.#clientAddress);
  }
}
