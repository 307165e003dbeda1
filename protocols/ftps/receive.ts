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
  readonly #freeBlocks: Buffer[] = [];
  #block: Buffer | undefined;
  #filled = 0;
  #position: number;
  #pendingBytes = 0;

  constructor(socket: Socket, from: number, write: WriteAt) {
    this.#socket = socket;
    this.#position = from;
    this.#write = write;
  }

  async run(progressed: () => void): Promise<void> {
    // The end of an empty file can come together with that of the TLS handshake.
    if (this.#socket.readableEnded) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#socket.once("close", () => reject(connectionLost()));
    this.#socket.once("end", () => {
      this.#handOver(reject);
      resolve();
    });
    this.#socket.on("data", (chunk: Buffer) => {
      progressed();
      this.#collect(chunk, reject);
    });
    this.#socket.resume();
    await promise;
  }

  /** TLS delivers pieces of 16 KiB; the store takes larger ones with less effort, and their memory is used again. */
  #collect(chunk: Buffer, fail: (error: unknown) => void): void {
    for (let taken = 0; taken < chunk.length; ) {
      this.#block ??= this.#freeBlocks.pop() ?? Buffer.allocUnsafeSlow(limits.ftpsReceiveBytes);
      const count = chunk.copy(this.#block, this.#filled, taken);
      taken += count;
      this.#filled += count;
      if (this.#filled === this.#block.length) this.#handOver(fail);
    }
  }

  #handOver(fail: (error: unknown) => void): void {
    const block = this.#block;
    if (!block) return;
    const bytes = this.#filled;
    this.#block = undefined;
    this.#filled = 0;
    this.#pendingBytes += bytes;
    if (this.#pendingBytes >= limits.uploadPendingBytes) this.#socket.pause();
    this.#write(this.#position, block.subarray(0, bytes)).then(() => this.#written(block, bytes), fail);
    this.#position += bytes;
  }

  #written(block: Buffer, bytes: number): void {
    this.#freeBlocks.push(block);
    this.#pendingBytes -= bytes;
    if (this.#pendingBytes < limits.uploadPendingBytes) this.#socket.resume();
  }
}
