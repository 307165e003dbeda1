import { randomUUID } from "node:crypto";
import * as fs from "node:fs";
import { join } from "node:path";
import { FileError } from "../../core/errors.ts";
import { call, unlink, unlinkIfThere } from "./directory-calls.ts";
import { OpenFile } from "./directory-file.ts";
import type { Staged } from "./directory-writer.ts";

const transferIdForm = /^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/;
const copyPrefix = ".copy-";

/**
 * The folder of files on their way in, one for each transferId. It lies outside the tree that clients see. A file that
 * has gone from here was published, unless its upload was discarded.
 */
export class Staging {
  readonly #directory: string;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  /** Opens the folder after whatever ended its last use. Copies are not resumed: what is left of them is waste. */
  static async open(directory: string): Promise<Staging> {
    for (const name of await namesIn(directory)) {
      if (name.startsWith(copyPrefix)) await unlink(join(directory, name));
    }
    return new Staging(directory);
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

  async discard(transferId: string): Promise<void> {
    await unlinkIfThere(this.pathOf(transferId));
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
