import type { Socket } from "node:net";
import { FileError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import type { Download } from "../../service/session/download.ts";
import { connectionLost, endData } from "./data-connection.ts";

/** Sends blocks one after the other, then the end. @throws Refusal 426 when the connection is lost. */
export async function send(socket: Socket, blocks: AsyncIterable<Uint8Array>, progressed: () => void): Promise<void> {
  // Nothing is expected from the client, but only who reads notices that it is gone.
  socket.resume();
  for await (const block of blocks) {
    await write(socket, block);
    progressed();
  }
  await endData(socket);
}

function write(socket: Socket, block: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.write(block, (error) => (error ? reject(connectionLost()) : resolve()));
  });
}

/**
 * The content of a file from a position on. The next block is read while the one before is sent; a block is valid
 * until the next is asked for. @throws FileError `unavailable` when the file turns out shorter than it was.
 */
export async function* blocksOf(download: Download, from: number): AsyncGenerator<Uint8Array> {
  const { size } = download.entry;
  const blockBytes = Math.min(limits.ftpsSendBytes, size - from);
  const memory = [
    Buffer.allocUnsafe(blockBytes),
    size - from > blockBytes ? Buffer.allocUnsafe(blockBytes) : undefined,
  ];
  const read = async (position: number, target: Buffer): Promise<Uint8Array> =>
    target.subarray(0, await download.read(target.subarray(0, size - position), position));
  let next: Promise<Uint8Array> | undefined;
  for (let position = from; position < size; ) {
    const [current = Buffer.alloc(0), other] = memory;
    const block = await (next ?? read(position, current));
    if (block.length === 0) throw new FileError("unavailable", "the file became shorter while it was read");
    position += block.length;
    next = other && position < size ? read(position, other) : undefined;
    // Whether it fails is learnt when it is asked for, and not at all when the client has gone.
    next?.catch(() => {});
    memory.reverse();
    yield block;
  }
}

/** The bytes of a listing: every page that is not empty is one block of lines. */
export async function* linesOf<T>(
  pages: AsyncIterable<readonly T[]>,
  format: (entry: T) => string,
): AsyncGenerator<Uint8Array> {
  for await (const page of pages) {
    if (page.length > 0) yield Buffer.from(page.map((entry) => `${format(entry)}\r\n`).join(""));
  }
}
