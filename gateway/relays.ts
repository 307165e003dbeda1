import { connect, type Socket } from "node:net";
import { limits } from "../core/limits.ts";
import type { Log } from "../ports/runtime.ts";

/**
 * Connections that arrived at this task and are another's: each is passed on with a header in front, byte for byte,
 * either way, with its end and with its failure.
 */
export class Relays {
  readonly #log: Log;
  readonly #active = new Map<Socket, string>();

  constructor({ log }: { readonly log: Log }) {
    this.#log = log;
  }

  get active(): number {
    return this.#active.size;
  }

  /**
   * Passes a paused connection on.
   * @param task its address and port, `10.0.1.7:5000`
   * @param header goes in front of what the client sends
   * @returns false when the task does not take it; nothing has been read of the connection then
   */
  async start(client: Socket, task: string, header: Buffer): Promise<boolean> {
    if (this.#active.size >= limits.relayedConnections) return false;
    this.#active.set(client, task);
    client.once("close", () => this.#active.delete(client));
    client.on("error", () => {});
    try {
      const owner = await connected(task);
      if (client.destroyed) owner.destroy();
      else splice(client, owner, header);
      return true;
    } catch (error) {
      this.#active.delete(client);
      this.#log.warn("a connection cannot be passed on to its task", { task, error: `${error}` });
      return false;
    }
  }

  /** Breaks off what was passed on to this task. */
  endTo(task: string): void {
    for (const [client, target] of this.#active) if (target === task) breakOff(client);
  }

  /** Breaks everything off. */
  close(): void {
    for (const client of this.#active.keys()) breakOff(client);
  }
}

function connected(task: string): Promise<Socket> {
  const [host = "", port = ""] = task.split(":");
  return new Promise((resolve, reject) => {
    const socket = connect({
      host,
      port: Number(port),
      allowHalfOpen: true,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: limits.tcpKeepaliveMs,
    });
    socket.setTimeout(limits.relayConnectMs, () => socket.destroy(new Error("the task does not answer")));
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.setTimeout(0);
      socket.removeListener("error", reject);
      socket.on("error", () => {});
      resolve(socket);
    });
  });
}

function splice(client: Socket, owner: Socket, header: Buffer): void {
  client.allowHalfOpen = true;
  owner.write(header);
  pass(client, owner);
  pass(owner, client);
}

/** A connection that did not end in good order both ways takes the other one with it, and does not look whole there. */
function pass(from: Socket, to: Socket): void {
  from.pipe(to);
  from.once("close", (hadError: boolean) => {
    if (hadError || !from.readableEnded || !from.writableFinished) breakOff(to);
  });
}

/** Node loses a connection for ever, with its descriptor, that is reset while the end of its data is on the way. */
function breakOff(socket: Socket): void {
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}
