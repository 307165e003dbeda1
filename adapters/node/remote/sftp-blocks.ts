import type { SFTPWrapper } from "ssh2";
import type { Answers } from "./deadline.ts";

/** What every server takes in one packet (draft-ietf-secsh-filexfer-02 §3), and what is on the way at a time. */
const blockBytes = 32 * 1024;
const blocksOnTheWay = 32;

/** An open file of an SFTP server. */
export interface SftpFile {
  readonly sftp: SFTPWrapper;
  readonly handle: Buffer;
  readonly answers: Answers;
}

/** Writes the content from `offset` on, many blocks at a time. Resolves when the server has answered for all. */
export async function writeBlocks(file: SftpFile, content: AsyncIterable<Uint8Array>, offset: number): Promise<void> {
  const onTheWay = new Set<Promise<void>>();
  let failure: { readonly reason: unknown } | undefined;
  let position = offset;
  for await (const piece of content) {
    for (let at = 0; at < piece.length; at += blockBytes) {
      const block = Buffer.from(piece.buffer, piece.byteOffset + at, Math.min(blockBytes, piece.length - at));
      const written: Promise<void> = writeBlock(file, block, position)
        .catch((reason: unknown) => {
          failure ??= { reason };
        })
        .finally(() => onTheWay.delete(written));
      onTheWay.add(written);
      position += block.length;
      if (onTheWay.size >= blocksOnTheWay) await Promise.race(onTheWay);
      if (failure) throw failure.reason;
    }
  }
  await Promise.all(onTheWay);
  if (failure) throw failure.reason;
}

function writeBlock({ sftp, handle, answers }: SftpFile, block: Buffer, position: number): Promise<void> {
  return answers.wait(
    new Promise((resolve, reject) => {
      sftp.write(handle, block, 0, block.length, position, (error) => (error ? reject(error) : resolve()));
    }),
  );
}

/** The content from `offset` to the end, in order; many blocks are asked for at a time. */
export async function* readBlocks(file: SftpFile, offset: number): AsyncGenerator<Uint8Array, void, undefined> {
  const onTheWay: Promise<Buffer>[] = [];
  let position = offset;
  for (;;) {
    while (onTheWay.length < blocksOnTheWay) {
      const block = readBlock(file, position);
      // One that is not waited for any more must not count as unhandled.
      block.catch(() => {});
      onTheWay.push(block);
      position += blockBytes;
    }
    const block = await onTheWay.shift();
    if (!block || block.length === 0) return;
    yield block;
    if (block.length < blockBytes) return;
  }
}

/** As many bytes as there are, up to a block. Servers may give less than they are asked for. */
async function readBlock(file: SftpFile, position: number): Promise<Buffer> {
  const block = Buffer.alloc(blockBytes);
  let length = 0;
  while (length < blockBytes) {
    const count = await readSome(file, { block, length, position: position + length });
    if (count === 0) break;
    length += count;
  }
  return block.subarray(0, length);
}

const endOfFile = 1;

function readSome(
  { sftp, handle, answers }: SftpFile,
  { block, length, position }: { readonly block: Buffer; readonly length: number; readonly position: number },
): Promise<number> {
  return answers.wait(
    new Promise((resolve, reject) => {
      sftp.read(handle, block, length, block.length - length, position, (error, count) => {
        if (!error) resolve(count);
        else if ((error as { code?: unknown }).code === endOfFile) resolve(0);
        else reject(error);
      });
    }),
  );
}
