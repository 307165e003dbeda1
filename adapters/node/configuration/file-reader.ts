import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { InvalidValue } from "./invalid-value.ts";

const chunkBytes = 65_536;

/** Reads files and remembers in which state each of them was, so that a later change can be noticed. */
export class FileReader {
  readonly #stamps = new Map<string, string>();

  /** Every file that was asked for, with its stamp at that moment; also those that could not be read. */
  get stamps(): ReadonlyMap<string, string> {
    return this.#stamps;
  }

  /** The file's bytes. @throws InvalidValue when it cannot be read or holds more than `maximumBytes`. */
  read(file: string, maximumBytes: number): Buffer {
    this.#stamps.set(file, stampOf(file));
    try {
      return readBounded(file, maximumBytes);
    } catch (error) {
      if (error instanceof InvalidValue) throw error;
      throw new InvalidValue(`cannot read ${JSON.stringify(file)}: ${reasonOf(error)}`);
    }
  }
}

/** A relative path is relative to the folder of the configuration file. */
export function resolvePath(path: string, folder: string): string {
  return isAbsolute(path) ? path : join(folder, path);
}

/** Changes whenever the file is written or replaced. */
export function stampOf(file: string): string {
  try {
    const { ino, size, mtimeNs } = statSync(file, { bigint: true });
    return `${ino} ${size} ${mtimeNs}`;
  } catch {
    return "unreadable";
  }
}

function readBounded(file: string, maximumBytes: number): Buffer {
  const descriptor = openSync(file, "r");
  try {
    if (fstatSync(descriptor).isDirectory()) throw new InvalidValue(`${JSON.stringify(file)} is a folder`);
    const chunks: Buffer[] = [];
    for (let length = 0, count = -1; count !== 0; length += count) {
      if (length > maximumBytes) throw new InvalidValue(`${JSON.stringify(file)} is over ${maximumBytes} bytes`);
      const chunk = Buffer.allocUnsafe(chunkBytes);
      count = readSync(descriptor, chunk);
      chunks.push(chunk.subarray(0, count));
    }
    return Buffer.concat(chunks);
  } finally {
    closeSync(descriptor);
  }
}

function reasonOf(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === "ENOENT") return "there is no such file";
  if (code === "EACCES" || code === "EPERM") return "permission denied";
  return `${code ?? "it failed"}`;
}
