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
    const requests = new Set<ServerResponse>();
    this.#inProgress.set(socket, requests);
    socket.once("close", () => {
      this.#inProgress.delete(socket);
      // Node forgets requests that were answered before all their content came, and their readers would wait for ever.
      for (const { req } of requests) req.destroy();
    });
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

  /** True while a client waits for the server and not the other way round: its silence is no fault. */
  isAnswering(socket: Socket): boolean {
    const waits = ({ req, headersSent }: ServerResponse) => !headersSent && (req.complete || req.readableLength > 0);
    return [...this.requestsOn(socket)].some(waits);
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
