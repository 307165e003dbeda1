import type { Readable } from "node:stream";
import { crc32 } from "node:zlib";
import { type Entry, fromRandomAccessReader, getFileNameLowLevel, RandomAccessReader, type ZipFile } from "yauzl";
import type { ArchiveEntryType } from "../../core/archive-names.ts";
import { FileError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import type { ArchiveEntry } from "../../ports/archives.ts";
import type { ObjectReader } from "../../ports/object-store.ts";
import { streamOf } from "./reader-pieces.ts";

/** The store's reader, as yauzl wants it. */
class StoreReader extends RandomAccessReader {
  readonly #reader: ObjectReader;

  constructor(reader: ObjectReader) {
    super();
    this.#reader = reader;
  }

  override _readStreamForRange(start: number, end: number): Readable {
    return streamOf(this.#reader, start, end);
  }
}

/**
 * The entries of a ZIP in the order of its central directory. Entries that share bytes are refused: a small archive
 * could hold the same huge content any number of times that way.
 * @throws FileError `integrity`, `too-large`, `unsupported`
 */
export async function* zipEntries(reader: ObjectReader): AsyncIterable<ArchiveEntry> {
  const zip = await open(reader);
  try {
    const entries = await directoryOf(zip);
    assertDistinct(entries);
    for (const entry of entries) {
      yield {
        name: nameOf(entry),
        type: typeOf(entry),
        bytes: entry.uncompressedSize,
        content: () => contentOf(zip, entry),
      };
    }
  } finally {
    zip.close();
  }
}

function open(reader: ObjectReader): Promise<ZipFile> {
  const options = { lazyEntries: true, decodeStrings: false, autoClose: false };
  return new Promise((resolve, reject) => {
    fromRandomAccessReader(new StoreReader(reader), reader.entry.size, options, (error, zip) =>
      error ? reject(damaged(error)) : resolve(zip),
    );
  });
}

/** The whole directory, which is small beside the archive. */
function directoryOf(zip: ZipFile): Promise<readonly Entry[]> {
  return new Promise((resolve, reject) => {
    const entries: Entry[] = [];
    const most = limits.archiveEntries;
    if (zip.entryCount > most) {
      reject(new FileError("too-large", `the archive has more than ${most} entries`));
      return;
    }
    zip.on("entry", (entry: Entry) => {
      entries.push(entry);
      zip.readEntry();
    });
    zip.once("end", () => resolve(entries));
    zip.once("error", (error: unknown) => reject(damaged(error)));
    zip.readEntry();
  });
}

function assertDistinct(entries: readonly Entry[]): void {
  const sorted = [...entries].sort((a, b) => a.relativeOffsetOfLocalHeader - b.relativeOffsetOfLocalHeader);
  let end = 0;
  for (const entry of sorted) {
    const { relativeOffsetOfLocalHeader: start, compressedSize, fileNameLength } = entry;
    if (start < end) throw new FileError("integrity", `entry ${JSON.stringify(nameOf(entry))} overlaps another entry`);
    end = start + 30 + fileNameLength + compressedSize;
  }
}

function nameOf({ generalPurposeBitFlag, fileNameRaw, extraFields }: Entry): string {
  return getFileNameLowLevel(generalPurposeBitFlag, fileNameRaw, extraFields, true);
}

/** The upper half of the attributes is a Unix mode, where the archive was made on Unix. */
function typeOf(entry: Entry): ArchiveEntryType {
  const kind = (entry.externalFileAttributes >>> 16) & 0o170000;
  if (kind === 0o120000) return "link";
  if (nameOf(entry).endsWith("/")) return "directory";
  return kind === 0 || kind === 0o100000 ? "file" : "special";
}

async function* contentOf(zip: ZipFile, entry: Entry): AsyncIterable<Uint8Array> {
  const name = JSON.stringify(nameOf(entry));
  if (entry.isEncrypted()) throw new FileError("unsupported", `entry ${name} is encrypted`);
  if (entry.compressionMethod !== 0 && entry.compressionMethod !== 8) {
    throw new FileError("unsupported", `entry ${name} is packed by method ${entry.compressionMethod}, not deflate`);
  }
  const stream = await new Promise<Readable>((resolve, reject) => {
    zip.openReadStream(entry, (error, opened) => (error ? reject(damaged(error)) : resolve(opened)));
  });
  let checksum = 0;
  try {
    for await (const piece of stream as AsyncIterable<Uint8Array>) {
      checksum = crc32(piece, checksum);
      yield piece;
    }
  } catch (error) {
    throw damaged(error);
  } finally {
    stream.destroy();
  }
  if (checksum !== entry.crc32) throw new FileError("integrity", `entry ${name} does not have its checksum (CRC-32)`);
}

function damaged(error: unknown): unknown {
  if (error instanceof FileError) return error;
  const reason = error instanceof Error ? error.message : `${error}`;
  const shown = reason.slice(0, limits.archiveShownName);
  return new FileError("integrity", `the archive is damaged or no zip: ${shown}`, { cause: error });
}
