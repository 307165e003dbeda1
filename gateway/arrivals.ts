import type { Socket } from "node:net";
import type { Leases } from "../ports/leases.ts";
import type { Log } from "../ports/runtime.ts";
import type { Arrival } from "./data-port.ts";
import type { Door } from "./doors.ts";
import type { PortRange } from "./environment.ts";
import { type LeasedPorts, passiveLeaseGroup, taskOfLease } from "./leased-ports.ts";
import { formatRelayHeader, type ProxiedConnection } from "./proxy-protocol.ts";
import type { Relays } from "./relays.ts";

interface Passive {
  readonly ports: LeasedPorts;
  readonly range: PortRange;
}

export interface ArrivalsOptions {
  /** The passive ports, where FTPS is served. */
  readonly passive: Passive | undefined;
  readonly leases: Leases;
  readonly relays: Pick<Relays, "start">;
  /** Of this task, as other tasks know it. */
  readonly address: string;
  /** Take what other tasks pass on because this one leads. */
  readonly doors: readonly Door[];
  /** False once no new clients are taken. */
  readonly isOpen: () => boolean;
  readonly log: Log;
}

/**
 * Decides whose a connection is that arrived with a header: of a session here, of one in another task, or nobody's. A
 * passive port and a client's address name a session, and the lease of both says where it is. What was passed on once
 * is not passed on again.
 */
export class Arrivals {
  readonly #options: ArrivalsOptions;
  #hasWarned = false;

  constructor(options: ArrivalsOptions) {
    this.#options = options;
  }

  async take(arrival: Arrival): Promise<void> {
    const { socket, isRelayed, connection } = arrival;
    const { doors, isOpen, passive, log } = this.#options;
    const door = isRelayed && isOpen() ? doors.find(({ port }) => port === connection.destinationPort) : undefined;
    try {
      if (door) door.accept(socket, { address: connection.sourceAddress, port: connection.sourcePort });
      else if (passive) await this.#takeData(arrival, passive);
      else socket.resetAndDestroy();
    } catch (error) {
      log.error("a connection to the data port is lost", { error });
      socket.resetAndDestroy();
    }
  }

  async #takeData({ socket, connection, isRelayed }: Arrival, { ports, range }: Passive): Promise<void> {
    const { sourceAddress, destinationPort } = connection;
    const isPassive = destinationPort >= range.first && destinationPort <= range.last;
    const port = isPassive || isRelayed ? destinationPort : await this.#portByClient(connection, range);
    if (port !== undefined && ports.deliver(port, sourceAddress, socket)) return;
    const task = port === undefined || isRelayed ? undefined : await this.#otherTask(port, sourceAddress);
    const isTaken =
      port !== undefined &&
      task !== undefined &&
      (await this.#passOn(socket, task, { ...connection, destinationPort: port }));
    if (!isTaken) socket.resetAndDestroy();
  }

  #passOn(socket: Socket, task: string, connection: ProxiedConnection): Promise<boolean> {
    return this.#options.relays.start(socket, task, formatRelayHeader(connection));
  }

  async #otherTask(port: number, clientAddress: string): Promise<string | undefined> {
    const { leases, address } = this.#options;
    const lease = await leases.find(passiveLeaseGroup(port), clientAddress);
    const task = lease && taskOfLease(lease.owner);
    return task === address ? undefined : task;
  }

  /**
   * For a load balancer that does not say which of its ports a client connected to: goes by the client's address alone
   * where that leaves no choice.
   */
  async #portByClient(connection: ProxiedConnection, { first, last }: PortRange): Promise<number | undefined> {
    const { log, leases } = this.#options;
    const { destinationPort, sourceAddress } = connection;
    if (!this.#hasWarned) log.warn("the load balancer names a port that is not passive", { destinationPort });
    this.#hasWarned = true;
    const ports = Array.from({ length: last - first + 1 }, (_, index) => first + index);
    const found = await Promise.all(ports.map((port) => leases.find(passiveLeaseGroup(port), sourceAddress)));
    const [port, ...others] = ports.filter((_, index) => found[index] !== undefined);
    return others.length === 0 ? port : undefined;
  }
}
