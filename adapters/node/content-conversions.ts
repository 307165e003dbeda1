import { Readable, type Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip, createGzip } from "node:zlib";
import { FileError } from "../../core/errors.ts";
import type { ContentConversions } from "../../ports/content-conversions.ts";

const pieceBytes = 256 * 1024;

export const contentConversions: ContentConversions = {
  gzip: (content) => convert(content, createGzip({ chunkSize: pieceBytes })),
  gunzip: (content) => refusingDamage(convert(content, createGunzip({ chunkSize: pieceBytes }))),
  utf8: (text) => Buffer.from(text),
  text: (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8"),
};

/** What comes out of a transform stream; it is fed no faster than it is read. */
export async function* convert(content: AsyncIterable<Uint8Array>, transform: Transform): AsyncIterable<Uint8Array> {
  const fed = pipeline(Readable.from(content, { objectMode: false }), transform);
  // The reader below meets every error too; it ends the feeding when it stops early.
  fed.catch(() => {});
  yield* transform as AsyncIterable<Uint8Array>;
  await fed;
}

async function* refusingDamage(content: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  try {
    yield* content;
  } catch (error) {
    const isDamage = error instanceof Error && "code" in error && /^Z_/.test(String(error.code));
    if (!isDamage) throw error;
    throw new FileError("integrity", "the content is damaged or was not compressed with gzip", { cause: error });
  }
}
