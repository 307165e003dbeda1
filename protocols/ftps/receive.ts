import type { Socket } from "node:net";
import { limits } from "../../core/limits.ts";
import { connectionLost } from "./data-connection.ts";

/** Takes bytes at a position of the file; its promise is the back-pressure. */
export type WriteAt = (position: number, chunk: Uint8Array) => Promise<void>;

/**
 * Passes what arrives to `write`, in large pieces and at most limits.uploadPendingBytes ahead of it; past that the
 * client waits. Resolves at the end of the data, when the last piece has been handed over.
 * @throws Refusal 426 when the connection is lost, and what `write` throws.
 */
export function receive(socket: Socket, from: number, write: WriteAt, progressed: () => void): Promise<void> {
  return new Receiver(socket, from, write).run(progressed);
}

class Receiver {
  readonly #socket: Socket;
  readonly #write: WriteAt;
  #position: number;
  #chunks: Buffer[] = [];
  #chunkBytes = 0;
  #pendingBytes = 0;

  constructor(socket: Socket, from: number, write: WriteAt) {
    this.#socket = socket;
    this.#position = from;
    this.#write = write;
  }

  run(progressed: () => void): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#socket.once("close", () => reject(connectionLost()));
    this.#socket.once("end", () => {
      this.#handOver(reject);
      resolve();
    });
    this.#socket.on("data", (chunk: Buffer) => {
      progressed();
      this.#chunks.push(chunk);
      this.#chunkBytes += chunk.length;
      if (this.#chunkBytes >= limits.ftpsReceiveBytes) this.#handOver(reject);
    });
    this.#socket.resume();
    return promise;
  }

  #handOver(fail: (error: unknown) => void): void {
    const chunk = this.#takeChunks();
    if (chunk.length === 0) return;
    this.#pendingBytes += chunk.length;
    if (this.#pendingBytes >= limits.uploadPendingBytes) this.#socket.pause();
    this.#write(this.#position, chunk).then(() => this.#written(chunk.length), fail);
    this.#position += chunk.length;
  }

  #takeChunks(): Buffer {
    const chunks = this.#chunks;
    this.#chunks = [];
    this.#chunkBytes = 0;
    return chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks);
  }

  #written(bytes: number): void {
    this.#pendingBytes -= bytes;
    if (this.#pendingBytes < limits.uploadPendingBytes) this.#socket.resume();
  }
}
