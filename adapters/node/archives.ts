import { Readable } from "node:stream";
import { pack as tarPack } from "tar-stream";
import type { Archives, PackedFile } from "../../ports/archives.ts";
import { contentConversions } from "./content-conversions.ts";
import { piecesOf } from "./reader-pieces.ts";
import { tarEntries } from "./tar-entries.ts";
import { zipEntries } from "./zip-entries.ts";
import { zipOf } from "./zip-writer.ts";

const { gzip, gunzip } = contentConversions;

/** Archives by tar-stream, yauzl and Node's zlib. */
export const archives: Archives = {
  pack: (format, file) => (format === "zip" ? zipOf(file) : format === "tar" ? tarOf(file) : gzip(tarOf(file))),
  entries: (format, archive) => {
    if (format === "zip") return zipEntries(archive);
    return tarEntries(format === "tar" ? piecesOf(archive) : gunzip(piecesOf(archive)));
  },
};

/** A tar (POSIX pax) with the file in it. */
async function* tarOf({ name, bytes, modifiedAtMs, content }: PackedFile): AsyncIterable<Uint8Array> {
  const pack = tarPack();
  const mtime = new Date(Math.floor(modifiedAtMs / 1000) * 1000);
  const entry = pack.entry({ name, size: bytes, mtime, mode: 0o644 }, (error) => {
    if (error) pack.destroy(error);
    else pack.finalize();
  });
  // Whoever reads the pack meets every error; without a listener one more would end the process.
  entry.on("error", () => {});
  const source = Readable.from(content, { objectMode: false });
  source.once("error", (error) => pack.destroy(error));
  source.pipe(entry);
  yield* pack as AsyncIterable<Uint8Array>;
}
