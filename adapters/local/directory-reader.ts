import { FileError } from "../../core/errors.ts";
import type { ObjectReader, StoredEntry } from "../../ports/object-store.ts";
import { entryOf } from "./directory-entry.ts";
import { hasCode } from "./directory-errors.ts";
import { OpenFile } from "./directory-file.ts";

/**
 * A file open for reading. Clients replace files, they never write into one, so an open file keeps its content; only
 * a program on this machine that writes into the very file can change what is read.
 */
export class DirectoryReader implements ObjectReader {
  readonly entry: StoredEntry;
  readonly file: OpenFile;

  private constructor(entry: StoredEntry, file: OpenFile) {
    this.entry = entry;
    this.file = file;
  }

  /** Opens the file at this path. @throws FileError `not-found` (also for links and devices), `not-a-file`. */
  static async open(path: string): Promise<DirectoryReader> {
    const file = await openedFile(path);
    const entry = entryOf(file.stats());
    if (entry?.type === "file") return new DirectoryReader(entry, file);
    await file.close();
    if (entry) throw new FileError("not-a-file", "a folder has this name");
    throw notFound();
  }

  async read(target: Uint8Array, position: number): Promise<number> {
    if (!Number.isSafeInteger(position) || position < 0) {
      throw new FileError("invalid-argument", "the position is not a whole number of bytes");
    }
    // Asking for what is behind the end would cost a second call, only to hear that there is nothing.
    const length = Math.max(0, Math.min(target.length, this.entry.size - position));
    return this.file.read(target.subarray(0, length), position);
  }

  close(): Promise<void> {
    return this.file.close();
  }
}

async function openedFile(path: string): Promise<OpenFile> {
  try {
    return await OpenFile.open(path);
  } catch (error) {
    // A link is refused as a part of the path that is no folder.
    throw hasCode(error, "not-a-directory") ? notFound() : error;
  }
}

function notFound(): FileError {
  return new FileError("not-found", "there is no such file");
}
