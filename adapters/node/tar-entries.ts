import { Readable } from "node:stream";
import { extract as tarExtract } from "tar-stream";
import type { ArchiveEntryType } from "../../core/archive-names.ts";
import { FileError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import type { ArchiveEntry } from "../../ports/archives.ts";

/** The entries of a tar as they come. @throws FileError `integrity`; what `content` throws. */
export async function* tarEntries(content: AsyncIterable<Uint8Array>): AsyncIterable<ArchiveEntry> {
  const extract = tarExtract();
  const source = Readable.from(content, { objectMode: false });
  source.once("error", (error) => extract.destroy(error));
  source.pipe(extract);
  let hasEntries = false;
  try {
    for await (const entry of extract) {
      hasEntries = true;
      // Whoever reads the entry meets its error; without a listener one more would end the process.
      entry.on("error", () => {});
      const { name, size = 0, type } = entry.header;
      let isTaken = false;
      const body = async function* () {
        isTaken = true;
        for await (const piece of entry) yield piece as Uint8Array;
      };
      yield { name, type: typeOf(type), bytes: size, content: () => refusingDamage(body()) };
      if (!isTaken) entry.resume();
    }
  } catch (error) {
    throw damaged(error);
  } finally {
    source.destroy();
    extract.destroy();
  }
  if (!hasEntries) throw new FileError("integrity", "the archive is empty, or it is no tar");
}

function typeOf(type: string | null | undefined): ArchiveEntryType {
  if (type === "file" || type === "contiguous-file") return "file";
  if (type === "directory") return "directory";
  return type === "symlink" || type === "link" ? "link" : "special";
}

async function* refusingDamage(content: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  try {
    yield* content;
  } catch (error) {
    throw damaged(error);
  }
}

function damaged(error: unknown): unknown {
  if (error instanceof FileError) return error;
  const reason = error instanceof Error ? error.message : `${error}`;
  const shown = reason.slice(0, limits.archiveShownName);
  return new FileError("integrity", `the archive is damaged or no tar: ${shown}`, { cause: error });
}
