import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** The open connections of a server, and the requests that are in progress on each. */
export class Connections {
  readonly #accepted = new Set<Socket>();
  /** By the socket that carries HTTP: with TLS that is another than the one that was accepted. */
  readonly #inProgress = new Map<Socket, Set<ServerResponse>>();
  #draining = false;

  accepted(socket: Socket): void {
    this.#accepted.add(socket);
    socket.once("close", () => this.#accepted.delete(socket));
  }

  /** HTTP can begin on this socket. */
  opened(socket: Socket): void {
    if (this.#draining) {
      socket.destroy();
      return;
    }
    this.#inProgress.set(socket, new Set());
    socket.once("close", () => this.#inProgress.delete(socket));
  }

  /**
   * Counts a request until both its content and its response are through. Answers false for a request that is not to
   * be served: while draining, what a client sends behind the last request in progress (RFC 9112 §9.6).
   */
  begun(incoming: IncomingMessage, outgoing: ServerResponse): boolean {
    if (this.#draining) return false;
    const { socket } = incoming;
    const requests = this.requestsOn(socket);
    requests.add(outgoing);
    let open = 2;
    const closed = () => {
      open -= 1;
      if (open > 0) return;
      requests.delete(outgoing);
      if (this.#draining && requests.size === 0) socket.destroySoon();
    };
    incoming.once("close", closed);
    outgoing.once("close", closed);
    return true;
  }

  /** The requests in progress, in the order in which they came. */
  requestsOn(socket: Socket): Set<ServerResponse> {
    return this.#inProgress.get(socket) ?? new Set();
  }

  /** Closes what is idle at once, and every other connection after the requests that it carries. */
  drain(): void {
    this.#draining = true;
    for (const [socket, requests] of this.#inProgress) {
      const last = [...requests].at(-1);
      if (last) last.shouldKeepAlive = false;
      else socket.destroy();
    }
  }

  destroy(): void {
    for (const socket of this.#accepted) socket.destroy();
  }
}
