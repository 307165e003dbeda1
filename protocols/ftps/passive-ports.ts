import type { Socket } from "node:net";

/** A port that waits for one data connection. */
export interface PassivePort {
  readonly port: number;
  /**
   * The first connection from the client's address, nothing of it read yet; undefined once the port was released.
   * Connections from other addresses are closed and do not count.
   */
  readonly connection: Promise<Socket | undefined>;
  /** Gives the port back. Harmless when the connection has arrived, which gives the port back too. */
  release(): void;
}

/** Where data connections come in. One process listens itself; behind a load balancer a port is leased and relayed. */
export interface PassivePorts {
  /** Reserves a port for one connection from this address; undefined when none is free. */
  acquire(clientAddress: string): Promise<PassivePort | undefined>;
}
