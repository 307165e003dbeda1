import { Readable } from "node:stream";
import type { ObjectReader } from "../../ports/object-store.ts";

const pieceBytes = 256 * 1024;

/** The bytes of a version from `start` up to `end`, each piece in memory of its own. */
export async function* piecesOf(reader: ObjectReader, start = 0, end = reader.entry.size): AsyncIterable<Uint8Array> {
  for (let position = start; position < end; ) {
    const piece = new Uint8Array(Math.min(pieceBytes, end - position));
    const count = await reader.read(piece, position);
    if (count === 0) return;
    yield piece.subarray(0, count);
    position += count;
  }
}

export function streamOf(reader: ObjectReader, start: number, end: number): Readable {
  return Readable.from(piecesOf(reader, start, end), { objectMode: false });
}
