import * as fs from "node:fs";
import { join } from "node:path";
import { FileError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import { call, makeFolder, openDescriptor, realPath } from "./directory-calls.ts";
import { hasCode } from "./directory-errors.ts";

const { O_RDONLY, O_DIRECTORY = 0, O_NOFOLLOW = 0 } = fs.constants;
const isWindows = process.platform === "win32";
const descriptorLinks = "/proc/self/fd";
/** What Linux puts behind the path of a folder that was removed. */
const deletedMark = " (deleted)";
const folderMode = 0o750;

/**
 * A folder of the tree, held open, so that what happens to the path meanwhile changes nothing. Several may use it at
 * once; it is closed when it is retired and the last has left.
 */
export class Folder {
  readonly #descriptor: number;
  #users = 0;
  #isRetired = false;
  /** Where the folder can be reached while it is open. */
  readonly path: string;

  constructor(descriptor: number, path: string) {
    this.#descriptor = descriptor;
    this.path = path;
  }

  /** Where an entry can be reached while the folder is open. */
  at(name: string): string {
    return `${this.path}/${name}`;
  }

  stats(): fs.BigIntStats {
    return fs.fstatSync(this.#descriptor, { bigint: true });
  }

  /** The names in it survive a crash of the machine. NTFS keeps a journal of names and offers no such call. */
  async sync(): Promise<void> {
    if (!isWindows) await call((done) => fs.fsync(this.#descriptor, done));
  }

  /** Whether a descriptor's folder still has this path, as the system remembers it, without a look at a disk. */
  isAt(path: string): boolean {
    return fs.readlinkSync(`${descriptorLinks}/${this.#descriptor}`) === path;
  }

  use(): this {
    this.#users += 1;
    return this;
  }

  leave(): void {
    this.#users -= 1;
    this.#closeWhenUnused();
  }

  retire(): void {
    this.#isRetired = true;
    this.#closeWhenUnused();
  }

  /** Closing a folder writes nothing, so it does not wait for a disk. */
  #closeWhenUnused(): void {
    if (this.#isRetired && this.#users === 0) fs.closeSync(this.#descriptor);
  }
}

/**
 * Finds the folders below one root without following a link anywhere. Where the operating system shows descriptors
 * as paths (Linux), a folder is first opened, then asked where it really is, and its entries are reached through the
 * descriptor: no exchange of a folder for a link can lead outside. Elsewhere the path is checked before use, and
 * whoever can write to the tree on this machine could still exchange a folder between the check and the use.
 */
export class FolderTree {
  readonly #root: string;
  readonly #usesDescriptors: boolean;
  /** Folders in frequent use stay open; the one that was used longest ago comes first. */
  readonly #kept = new Map<string, Folder>();

  private constructor(root: string, usesDescriptors: boolean) {
    this.#root = root;
    this.#usesDescriptors = usesDescriptors;
  }

  /** The tree below `directory`, which may itself be reached by links. */
  static async open(directory: string, options: { usesDescriptors?: boolean | undefined }): Promise<FolderTree> {
    const usesDescriptors = options.usesDescriptors ?? fs.existsSync(descriptorLinks);
    return new FolderTree(await realPath(directory), usesDescriptors);
  }

  /**
   * Runs `action` with the folder at `segments` open.
   * @throws FileError `not-found`, `not-a-directory` for a file or link anywhere in the path.
   */
  async within<T>(segments: readonly string[], action: (folder: Folder) => Promise<T>): Promise<T> {
    return held(await this.#open(segments), action);
  }

  /** As {@link within} for the parent of what has to be there: below a file there is nothing, so it is `not-found`. */
  async withinSource<T>(segments: readonly string[], action: (folder: Folder) => Promise<T>): Promise<T> {
    return held(await this.#open(segments).catch(refuseAsNotFound), action);
  }

  /** As {@link within}, with the folder and its parents made where they are missing. */
  async withinMade<T>(segments: readonly string[], action: (folder: Folder) => Promise<T>): Promise<T> {
    try {
      return await this.within(segments, action);
    } catch (error) {
      if (!hasCode(error, "not-found")) throw error;
      await this.ensure(segments);
      return await this.within(segments, action);
    }
  }

  /** Makes the folder and its parents where they are missing, durably. @throws FileError `not-a-directory`. */
  async ensure(segments: readonly string[]): Promise<void> {
    try {
      return (await this.#open(segments)).leave();
    } catch (error) {
      if (segments.length === 0 || !hasCode(error, "not-found")) throw error;
    }
    await this.withinMade(segments.slice(0, -1), (parent) => makeMissing(parent, segments.at(-1) ?? ""));
    (await this.#open(segments)).leave();
  }

  async #open(segments: readonly string[]): Promise<Folder> {
    const path = join(this.#root, ...segments);
    return this.#keptAt(path)?.use() ?? this.#opened(path);
  }

  /** A folder that was moved or removed meanwhile is found no more. */
  #keptAt(path: string): Folder | undefined {
    const folder = this.#kept.get(path);
    if (!folder) return undefined;
    this.#kept.delete(path);
    if (folder.isAt(path)) this.#kept.set(path, folder);
    else folder.retire();
    return this.#kept.get(path);
  }

  #keep(path: string, folder: Folder): void {
    this.#kept.get(path)?.retire();
    this.#kept.set(path, folder);
    const [oldest] = this.#kept;
    if (!oldest || this.#kept.size <= limits.openFolders) return;
    this.#kept.delete(oldest[0]);
    oldest[1].retire();
  }

  async #opened(path: string): Promise<Folder> {
    const descriptor = await openDescriptor(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    const descriptorPath = `${descriptorLinks}/${descriptor}`;
    const folder = new Folder(descriptor, this.#usesDescriptors ? descriptorPath : path);
    try {
      const real = this.#usesDescriptors ? fs.readlinkSync(descriptorPath) : await realPath(path);
      if (real === path) {
        folder.use();
        if (this.#usesDescriptors) this.#keep(path, folder);
        else folder.retire();
        return folder;
      }
      if (real === `${path}${deletedMark}`) throw new FileError("not-found", "the folder was removed");
      throw new FileError("not-a-directory", "a part of the path is a link");
    } catch (error) {
      folder.retire();
      throw error;
    }
  }
}

/** Makes one folder, durably. @throws FileError `already-exists`. */
export async function makeDirectory(parent: Folder, name: string): Promise<void> {
  await makeFolder(parent.at(name), folderMode);
  await parent.sync();
}

/** Whoever made it meanwhile may not have it on disk yet, so that is waited for in either case. */
async function makeMissing(parent: Folder, name: string): Promise<void> {
  try {
    await makeFolder(parent.at(name), folderMode);
  } catch (error) {
    if (!hasCode(error, "already-exists")) throw error;
  }
  await parent.sync();
}

async function held<T>(folder: Folder, action: (folder: Folder) => Promise<T>): Promise<T> {
  try {
    return await action(folder);
  } finally {
    folder.leave();
  }
}

function refuseAsNotFound(error: unknown): never {
  throw hasCode(error, "not-a-directory") ? new FileError("not-found", "there is no such file or folder") : error;
}
