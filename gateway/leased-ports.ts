import { randomInt } from "node:crypto";
import type { Socket } from "node:net";
import { limits } from "../core/limits.ts";
import type { Leases } from "../ports/leases.ts";
import type { Runtime } from "../ports/runtime.ts";
import { AwaitedConnection } from "../protocols/ftps/awaited-connection.ts";
import type { PassivePort, PassivePorts } from "../protocols/ftps/passive-ports.ts";
import type { PortRange } from "./environment.ts";

export interface LeasedPortsOptions {
  /** Of the load balancer. */
  readonly range: PortRange;
  readonly leases: Leases;
  /** Where other tasks reach this one: `10.0.1.7:5000`. */
  readonly address: string;
  readonly runtime: Pick<Runtime, "now" | "newId" | "log">;
}

/** The group of leases of one passive port; the name of a lease in it is the client's address. */
export function passiveLeaseGroup(port: number): string {
  return `passive#${port}`;
}

/** The task that a lease belongs to, as an address: its owner is the address and a word that no other lease has. */
export function taskOfLease(owner: string): string {
  return owner.split(" ", 1)[0] ?? "";
}

/**
 * The passive ports of a load balancer, leased among all tasks behind it: a port is a client address's while one
 * session of that address waits there. Whoever receives the connection asks for the lease and passes it on.
 */
export class LeasedPorts implements PassivePorts {
  readonly #options: LeasedPortsOptions;
  readonly #waits = new Map<string, Wait>();

  constructor(options: LeasedPortsOptions) {
    this.#options = options;
  }

  /** Connections that this task waits for. */
  get waiting(): number {
    return this.#waits.size;
  }

  /** Also undefined when no port was found within limits.passiveAcquireMs, or the leases cannot be used. */
  async acquire(clientAddress: string): Promise<PassivePort | undefined> {
    const deadline = new Deadline(limits.passiveAcquireMs);
    const search = this.#search(clientAddress, deadline).catch((error: unknown) => {
      this.#options.runtime.log.error("a passive port cannot be leased", { error });
      return undefined;
    });
    const wait = await Promise.race([search, deadline.reached]);
    deadline.end();
    if (!wait) void search.then((late) => late?.release());
    return wait;
  }

  /** Hands a connection to the session that waits for it; false when none does, here. */
  deliver(port: number, clientAddress: string, socket: Socket): boolean {
    const wait = this.#waits.get(waitName(port, clientAddress));
    wait?.arrive(socket);
    return wait !== undefined;
  }

  /** Ends every wait; resolves when the leases are given back. */
  async close(): Promise<void> {
    const waits = [...this.#waits.values()];
    for (const wait of waits) wait.release();
    await Promise.all(waits.map((wait) => wait.returned));
  }

  /** Starts at a random place, so that nobody can tell which port the next client gets. */
  async #search(clientAddress: string, deadline: Deadline): Promise<Wait | undefined> {
    const { first, last } = this.#options.range;
    const count = last - first + 1;
    const start = randomInt(count);
    for (let step = 0; step < count && !deadline.isOver; step += 1) {
      const wait = this.#reserve(first + ((start + step) % count), clientAddress);
      if (wait && (await this.#leased(wait))) return wait;
    }
    return undefined;
  }

  /** Here first: two sessions of one client would take the place of each other before either has the lease. */
  #reserve(port: number, clientAddress: string): Wait | undefined {
    const name = waitName(port, clientAddress);
    if (this.#waits.has(name)) return undefined;
    const { address, runtime } = this.#options;
    const owner = `${address} ${runtime.newId()}`;
    const wait = new Wait({ port, clientAddress, owner, leave: () => this.#leave(wait) });
    this.#waits.set(name, wait);
    return wait;
  }

  async #leased(wait: Wait): Promise<boolean> {
    const { port, clientAddress, owner } = wait.request;
    const group = passiveLeaseGroup(port);
    try {
      wait.isLeased = true;
      const leaseMs = limits.passiveLeaseMs;
      wait.isLeased = await this.#options.leases.take({ group, name: clientAddress, owner, leaseMs });
    } catch (error) {
      wait.release();
      throw error;
    }
    if (!wait.isLeased) wait.release();
    return wait.isLeased;
  }

  async #leave(wait: Wait): Promise<void> {
    const { port, clientAddress, owner } = wait.request;
    this.#waits.delete(waitName(port, clientAddress));
    if (!wait.isLeased) return;
    const { leases, runtime } = this.#options;
    await leases.release(passiveLeaseGroup(port), clientAddress, owner).catch((error: unknown) => {
      runtime.log.warn("the lease of a passive port is left to expire", { port, error });
    });
  }
}

function waitName(port: number, clientAddress: string): string {
  return `${port} ${clientAddress}`;
}

interface WaitRequest {
  readonly port: number;
  readonly clientAddress: string;
  readonly owner: string;
  /** Gives the place back; called once. */
  readonly leave: () => Promise<void>;
}

class Wait extends AwaitedConnection {
  readonly request: WaitRequest;
  /** True as long as the lease may be this wait's. */
  isLeased = false;
  /** Resolves when the place and the lease are given back. */
  returned: Promise<void> = Promise.resolve();

  constructor(request: WaitRequest) {
    super();
    this.request = request;
  }

  get port(): number {
    return this.request.port;
  }

  protected leave(): void {
    this.returned = this.request.leave();
  }
}

class Deadline {
  readonly reached: Promise<undefined>;
  readonly #timer: NodeJS.Timeout;
  #isOver = false;

  constructor(afterMs: number) {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.reached = promise;
    this.#timer = setTimeout(() => {
      this.#isOver = true;
      resolve(undefined);
    }, afterMs);
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}
