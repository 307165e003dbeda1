import type { AddressBlock } from "../core/source-address.ts";
import type { Leases } from "../ports/leases.ts";
import type { Runtime } from "../ports/runtime.ts";
import { Arrivals } from "./arrivals.ts";
import { DataPort, type DataPortOptions } from "./data-port.ts";
import { type Door, Doors } from "./doors.ts";
import type { PortRange } from "./environment.ts";
import type { Leadership } from "./leadership.ts";
import type { LeasedPorts } from "./leased-ports.ts";
import { Relays } from "./relays.ts";

export interface ConnectionsOptions {
  readonly listenAddress: string;
  readonly doors: readonly Door[];
  /** Of this task, as other tasks know it: `10.0.1.7:5000`. */
  readonly address: string;
  readonly dataPort: { readonly port: number; readonly trustedProxies: readonly AddressBlock[] } | undefined;
  readonly passive: { readonly ports: LeasedPorts; readonly range: PortRange } | undefined;
  readonly leases: Leases;
  /** Where one task serves all clients. */
  readonly leadership: Leadership | undefined;
  readonly runtime: Pick<Runtime, "log">;
  /** Tests make some limits smaller. */
  readonly limits?: DataPortOptions["limits"];
}

/** Every connection that comes to a task: clients at its doors, and at the data port what belongs to sessions. */
export class Connections {
  readonly relays: Relays;
  readonly dataPort: DataPort | undefined;
  readonly #options: ConnectionsOptions;
  readonly #doors: Doors;
  #isOpen = true;

  constructor(options: ConnectionsOptions) {
    const { listenAddress: host, doors, leadership, runtime } = options;
    this.#options = options;
    this.relays = new Relays(runtime);
    this.#doors = new Doors({ host, doors, leadership, relays: this.relays });
    this.dataPort = this.#createDataPort();
  }

  #createDataPort(): DataPort | undefined {
    const { listenAddress: host, dataPort, passive, leases, address, doors, runtime, limits } = this.#options;
    if (!dataPort) return undefined;
    const { log } = runtime;
    const isOpen = () => this.#isOpen;
    const arrivals = new Arrivals({ passive, leases, relays: this.relays, address, doors, isOpen, log });
    return new DataPort({
      listen: { host, port: dataPort.port },
      trustedProxies: dataPort.trustedProxies,
      arrived: (arrival) => void arrivals.take(arrival),
      log,
      ...(limits && { limits }),
    });
  }

  /** Rejects when one of the ports cannot be listened on. The doors open last. */
  async listen(): Promise<void> {
    await this.dataPort?.listen();
    await this.#doors.listen();
  }

  /** Takes no new clients; sessions go on, and so do their data connections and what is passed on for other tasks. */
  closeDoors(): void {
    this.#isOpen = false;
    this.#doors.close();
  }

  /** Breaks off what is left. */
  async close(): Promise<void> {
    this.closeDoors();
    this.relays.close();
    await this.dataPort?.close();
    await this.#options.passive?.ports.close();
  }
}
