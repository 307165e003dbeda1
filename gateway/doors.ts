import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import type { Peer } from "../core/accounting-event.ts";
import { limits } from "../core/limits.ts";
import { plainAddress } from "../protocols/ftps/network-address.ts";
import type { Leadership } from "./leadership.ts";
import { formatRelayHeader } from "./proxy-protocol.ts";
import type { Relays } from "./relays.ts";

/** A port that clients connect to. */
export interface Door {
  /** Of the container; the same in every task, so that it names the protocol in the header of a relayed connection. */
  readonly port: number;
  /**
   * Serves a client. The connection is paused.
   * @param peer who it is, where another task has passed the connection on
   */
  readonly accept: (socket: Socket, peer?: Peer) => void;
}

export interface DoorsOptions {
  readonly host: string;
  readonly doors: readonly Door[];
  /** Undefined where every task serves its own clients. */
  readonly leadership: Leadership | undefined;
  readonly relays: Pick<Relays, "start">;
}

/** Where clients come in. A task that does not lead passes every one of them on to the one that does. */
export class Doors {
  readonly #options: DoorsOptions;
  readonly #servers: readonly Server[];
  /** Connections that wait for a leader. */
  readonly #waiting = new Set<Socket>();

  constructor(options: DoorsOptions) {
    this.#options = options;
    const settings = { noDelay: true, keepAlive: true, keepAliveInitialDelay: limits.tcpKeepaliveMs };
    this.#servers = options.doors.map((door) =>
      createServer({ ...settings, pauseOnConnect: true }, (socket) => this.#accept(socket, door)),
    );
  }

  /** Rejects when one of the ports cannot be listened on. */
  async listen(): Promise<void> {
    await Promise.all(
      this.#servers.map((server, index) => {
        server.listen({ host: this.#options.host, port: this.#options.doors[index]?.port ?? 0 });
        return once(server, "listening");
      }),
    );
  }

  /** Takes no new clients. */
  close(): void {
    for (const server of this.#servers) server.close();
    for (const socket of this.#waiting) socket.destroy();
  }

  #accept(socket: Socket, door: Door): void {
    const { leadership } = this.#options;
    if (!leadership || leadership.isLeader) door.accept(socket);
    else void this.#passOn(socket, door, leadership);
  }

  /** A leader that does not answer may have died: the client waits for the next one. */
  async #passOn(socket: Socket, door: Door, leadership: Leadership): Promise<void> {
    socket.on("error", () => {});
    const endsAtMs = performance.now() + limits.leaderWaitMs;
    let leader = leadership.leader ?? (await this.#nextLeader(socket, leadership, { endsAtMs }));
    while (leader !== undefined && !leadership.isLeader && !socket.destroyed) {
      if (await this.#options.relays.start(socket, leader, headerFor(socket, door))) return;
      leader = await this.#nextLeader(socket, leadership, { endsAtMs, before: leader });
    }
    if (socket.destroyed) return;
    if (leadership.isLeader) door.accept(socket);
    else socket.destroy();
  }

  async #nextLeader(
    socket: Socket,
    leadership: Leadership,
    { endsAtMs, before }: { readonly endsAtMs: number; readonly before?: string },
  ): Promise<string | undefined> {
    if (this.#waiting.size >= limits.leaderWaits) return undefined;
    this.#waiting.add(socket);
    const leader = await leadership.untilKnown(Math.max(0, endsAtMs - performance.now()), before);
    this.#waiting.delete(socket);
    return leader;
  }
}

function headerFor(socket: Socket, door: Door): Buffer {
  return formatRelayHeader({
    sourceAddress: plainAddress(socket.remoteAddress),
    sourcePort: socket.remotePort ?? 0,
    destinationAddress: plainAddress(socket.localAddress),
    destinationPort: door.port,
  });
}
