import type { IncomingMessage } from "node:http";
import { limits } from "../../core/limits.ts";

interface Progress {
  readonly bytes: number;
  readonly sinceMs: number;
}

/**
 * Finds requests whose content does not come in. A large file on a slow line takes hours and is welcome; what has to
 * come is limits.httpProgressBytes, or the end, within each `requestMs`. Time in which the server itself does not read
 * is not counted.
 */
export class ContentWatch {
  readonly #requestMs: number;
  readonly #stalled: (incoming: IncomingMessage) => void;
  readonly #progress = new Map<IncomingMessage, Progress>();

  constructor(requestMs: number, stalled: (incoming: IncomingMessage) => void) {
    this.#requestMs = requestMs;
    this.#stalled = stalled;
  }

  begun(incoming: IncomingMessage): void {
    this.#progress.set(incoming, { bytes: incoming.socket.bytesRead, sinceMs: performance.now() });
    incoming.once("close", () => this.#progress.delete(incoming));
  }

  check(): void {
    const nowMs = performance.now();
    for (const [incoming, { bytes, sinceMs }] of this.#progress) {
      const { bytesRead } = incoming.socket;
      if (incoming.readableLength > 0 || bytesRead - bytes >= limits.httpProgressBytes) {
        this.#progress.set(incoming, { bytes: bytesRead, sinceMs: nowMs });
      } else if (!incoming.complete && nowMs - sinceMs > this.#requestMs) {
        this.#progress.delete(incoming);
        this.#stalled(incoming);
      }
    }
  }
}
