import { randomUUID } from "node:crypto";
import * as fs from "node:fs";
import { join } from "node:path";
import { FileError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import type { KeptBytes } from "../../ports/object-store.ts";
import { call, lookUp, rename, unlink, unlinkIfThere } from "./directory-calls.ts";
import { hasCode } from "./directory-errors.ts";
import { OpenFile } from "./directory-file.ts";
import type { Staged } from "./directory-writer.ts";

const transferIdForm = /^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/;
const copyPrefix = ".copy-";
const bootPrefix = ".boot-";
const keptSuffix = ".kept";
/** Another value in each life of a Linux kernel. */
const bootIdFile = "/proc/sys/kernel/random/boot_id";

/**
 * The folder of files on their way in, one for each transferId. It lies outside the tree that clients see. A file that
 * has gone from here was published, unless its upload was discarded.
 */
export class Staging {
  readonly #directory: string;
  /** Uploads of which the machine may have lost bytes that they had, because it went down since. */
  readonly #uncertain: ReadonlySet<string>;

  private constructor(directory: string, uncertain: ReadonlySet<string>) {
    this.#directory = directory;
    this.#uncertain = uncertain;
  }

  /** Opens the folder after whatever ended its last use. Copies are not resumed: what is left of them is waste. */
  static async open(directory: string): Promise<Staging> {
    const names = await namesIn(directory);
    for (const name of names) {
      if (name.startsWith(copyPrefix)) await unlink(join(directory, name));
      // Whoever knew of it is gone.
      else if (name.endsWith(keptSuffix) && (await isOutdated(join(directory, name))))
        await unlink(join(directory, name));
    }
    const isSameBoot = await noteBoot(directory, names);
    return new Staging(directory, new Set(isSameBoot ? [] : names.filter((name) => transferIdForm.test(name))));
  }

  /** @throws FileError `invalid-argument` for what cannot be a file's name on every system. */
  pathOf(transferId: string): string {
    if (!transferIdForm.test(transferId)) throw new FileError("invalid-argument", "the transferId has another form");
    return join(this.#directory, transferId);
  }

  async create(transferId: string): Promise<Staged> {
    const path = this.pathOf(transferId);
    return { path, file: await OpenFile.create(path) };
  }

  /** A file that shares its blocks with `source`, where the file system can do that; otherwise an empty one. */
  async createCopy(source: OpenFile): Promise<Staged & { readonly isComplete: boolean }> {
    const path = join(this.#directory, `${copyPrefix}${randomUUID()}`);
    const clone = await this.#clone(source, path);
    return { path, file: clone ?? (await OpenFile.create(path)), isComplete: clone !== undefined };
  }

  async transferIds(): Promise<readonly string[]> {
    return (await namesIn(this.#directory)).filter((name) => transferIdForm.test(name));
  }

  /** Attributes of what is staged or kept of an upload. */
  async lookUp(transferId: string): Promise<fs.BigIntStats | undefined> {
    const path = this.pathOf(transferId);
    return (await lookUp(path)) ?? (await lookUp(path + keptSuffix));
  }

  /** Gives a file whose bytes are on the disk the name of one that is kept. Answers how many can be gone on with. */
  async setAside({ file, path }: Staged): Promise<number> {
    const bytes = bytesToGoOnWith(file.stats().size);
    if (bytes > 0) await rename(path, path + keptSuffix);
    return bytes;
  }

  /** As {@link setAside}, for the file of a process that is gone. */
  async keep(transferId: string): Promise<number> {
    const path = this.pathOf(transferId);
    const kept = await lookUp(path + keptSuffix);
    if (kept) return bytesToGoOnWith(kept.size);
    if (this.#uncertain.has(transferId) || !(await lookUp(path))) return 0;
    const file = await OpenFile.reopen(path);
    try {
      await file.sync();
      return await this.setAside({ file, path });
    } finally {
      await file.close();
    }
  }

  /** A kept file as that of another upload. @throws FileError `not-found`. */
  async reopen(transferId: string, kept: KeptBytes): Promise<Staged> {
    const path = this.pathOf(transferId);
    await rename(this.pathOf(kept.transferId) + keptSuffix, path).catch((error: unknown) => {
      throw hasCode(error, "not-found") ? nothingKept() : error;
    });
    const file = await OpenFile.reopen(path);
    if (file.stats().size >= kept.bytes) {
      await file.cut(kept.bytes);
      return { path, file };
    }
    await file.close();
    await unlink(path);
    throw nothingKept();
  }

  async discard(transferId: string): Promise<void> {
    const path = this.pathOf(transferId);
    await unlinkIfThere(path);
    await unlinkIfThere(path + keptSuffix);
  }

  async #clone(source: OpenFile, path: string): Promise<OpenFile | undefined> {
    const mode = fs.constants.COPYFILE_EXCL | fs.constants.COPYFILE_FICLONE_FORCE;
    try {
      await call((done) => fs.copyFile(`/proc/self/fd/${source.descriptor}`, path, mode, done));
      return await OpenFile.reopen(path);
    } catch {
      await unlink(path).catch(() => {});
      return undefined;
    }
  }
}

function namesIn(directory: string): Promise<string[]> {
  return call<string[]>((done) => fs.readdir(directory, done));
}

/** Whole blocks, and never all: who is told of a whole file takes it for stored. */
function bytesToGoOnWith(size: bigint): number {
  const block = limits.keptUploadBlockBytes;
  return Math.max(0, Math.floor((Number(size) - 1) / block) * block);
}

function nothingKept(): FileError {
  return new FileError("not-found", "what was kept of the upload is not there any more");
}

async function isOutdated(path: string): Promise<boolean> {
  const stats = await lookUp(path);
  return stats !== undefined && Date.now() - Number(stats.mtimeMs) > 2 * limits.keptUploadMs;
}

/**
 * Whether the folder was last opened in this life of the machine: only then is all in its files that was written to
 * them. Where the system does not tell its lives apart, never.
 */
async function noteBoot(directory: string, names: readonly string[]): Promise<boolean> {
  const bootId = await call<string>((done) => fs.readFile(bootIdFile, "utf8", done)).catch(() => undefined);
  const mark = bootId && `${bootPrefix}${bootId.trim()}`;
  if (mark !== undefined && names.includes(mark)) return true;
  for (const name of names) if (name.startsWith(bootPrefix)) await unlink(join(directory, name));
  if (mark !== undefined) await call((done) => fs.writeFile(join(directory, mark), "", done));
  return false;
}
