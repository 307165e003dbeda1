import type { Socket } from "node:net";
import { limits } from "../../core/limits.ts";
import { connectionLost } from "./data-connection.ts";
import { DirectUploadSocket } from "./direct-upload-socket.ts";

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

/** Where bytes go that nobody wants. */
const unwanted = Buffer.allocUnsafeSlow(limits.ftpsReceiveBytes);

class Receiver {
  readonly #socket: Socket;
  readonly #write: WriteAt;
  readonly #freeBlocks: Buffer[] = [];
  #block: Buffer | undefined;
  #filled = 0;
  #position: number;
  #pendingBytes = 0;
  #hasStopped = false;

  constructor(socket: Socket, from: number, write: WriteAt) {
    this.#socket = socket;
    this.#position = from;
    this.#write = write;
  }

  async run(progressed: () => void): Promise<void> {
    // The end of an empty file can come together with that of the TLS handshake.
    if (this.#socket.readableEnded) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#socket.once("close", () => reject(connectionLost(this.#socket)));
    this.#socket.once("end", () => {
      this.#handOver(reject);
      resolve();
    });
    this.#collectFrom(this.#socket, progressed, reject);
    this.#socket.resume();
    await promise.finally(() => this.#stop());
  }

  /** Whatever comes from here on is of no use, but a client that has not sent it all may not look at replies before. */
  #stop(): void {
    this.#hasStopped = true;
    this.#block = undefined;
    this.#freeBlocks.length = 0;
  }

  #collectFrom(socket: Socket, progressed: () => void, fail: (error: unknown) => void): void {
    const collect = (chunk: Buffer) => {
      progressed();
      this.#collect(chunk, fail);
    };
    if (!(socket instanceof DirectUploadSocket)) {
      socket.on("data", collect);
      return;
    }
    for (let chunk: Buffer | null = socket.read(); chunk; chunk = socket.read()) collect(chunk);
    const took = (bytes: number) => {
      progressed();
      this.#took(bytes, fail);
      return this.#hasRoom;
    };
    socket.readInto({ next: () => this.#free(), took });
  }

  /** TLS delivers pieces of 16 KiB; the store takes larger ones with less effort, and their memory is used again. */
  #collect(chunk: Buffer, fail: (error: unknown) => void): void {
    if (this.#hasStopped) return;
    for (let taken = 0; taken < chunk.length; ) {
      const count = chunk.copy(this.#free(), 0, taken);
      taken += count;
      this.#took(count, fail);
    }
    if (!this.#hasRoom) this.#socket.pause();
  }

  /** Where the next bytes go. */
  #free(): Buffer {
    if (this.#hasStopped) return unwanted;
    this.#block ??= this.#freeBlocks.pop() ?? Buffer.allocUnsafeSlow(limits.ftpsReceiveBytes);
    return this.#block.subarray(this.#filled);
  }

  #took(bytes: number, fail: (error: unknown) => void): void {
    if (this.#hasStopped) return;
    this.#filled += bytes;
    if (this.#filled === this.#block?.length) this.#handOver(fail);
  }

  get #hasRoom(): boolean {
    return this.#hasStopped || this.#pendingBytes < limits.uploadPendingBytes;
  }

  #handOver(fail: (error: unknown) => void): void {
    const block = this.#block;
    if (!block) return;
    const bytes = this.#filled;
    this.#block = undefined;
    this.#filled = 0;
    this.#pendingBytes += bytes;
    this.#write(this.#position, block.subarray(0, bytes)).then(() => this.#written(block, bytes), fail);
    this.#position += bytes;
  }

  #written(block: Buffer, bytes: number): void {
    this.#freeBlocks.push(block);
    this.#pendingBytes -= bytes;
    if (this.#hasRoom) this.#socket.resume();
  }
}
