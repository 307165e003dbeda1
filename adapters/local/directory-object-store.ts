import type { BigIntStats } from "node:fs";
import { mkdir, realpath, stat, statfs } from "node:fs/promises";
import { isAbsolute, relative } from "node:path";
import { FileError, type FileErrorCode } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import type {
  Capacity,
  EntryPage,
  KeptBytes,
  MoveOptions,
  ObjectReader,
  ObjectStore,
  ObjectWriter,
  PublishOptions,
  RemoveOptions,
  ReopenedWriter,
  StoredEntry,
} from "../../ports/object-store.ts";
import { lookUp, setModified, unlinkIfThere } from "./directory-calls.ts";
import { entryOf, fileEntryOf } from "./directory-entry.ts";
import { hasCode, toFileError } from "./directory-errors.ts";
import { FolderTree, makeDirectory } from "./directory-folder.ts";
import { localSegments, type Place, placeOf } from "./directory-key.ts";
import { FolderListings } from "./directory-listing.ts";
import { ObjectKeyLocks } from "./directory-locks.ts";
import { assertAdmitted, moveEntry, placeFile, removeEntry } from "./directory-placement.ts";
import { DirectoryReader } from "./directory-reader.ts";
import { Staging } from "./directory-staging.ts";
import { DirectoryWriter, type PutInPlace, type Staged } from "./directory-writer.ts";
import { FolderTurns } from "./folder-turns.ts";

export interface DirectoryObjectStoreOptions {
  /** What clients see: `acme/inbox/a.pdf` is the file of that name below it. Made where it is missing. */
  readonly filesDirectory: string;
  /** Uploads under way; outside `filesDirectory`, on the same file system. Made where it is missing. */
  readonly stagingDirectory: string;
  /** Whether folders are held by `/proc/self/fd`; by default they are where that exists. See {@link FolderTree}. */
  readonly usesDescriptors?: boolean | undefined;
}

/** Whoever backs the tree up may be of the server's group; nobody else sees what partners send. */
const directoryMode = 0o750;
const copyChunkBytes = 256 * 1024;

/**
 * A store in a directory tree that people and programs of this machine may look into, back up and drop files into.
 * Names are taken as they are written; a file system that does not tell `A` from `a` does not tell their objects
 * apart either. Links, sockets and devices in the tree are not there for clients.
 * @throws Error when the directories cannot be used; the message is for the operator.
 */
export async function createDirectoryObjectStore(options: DirectoryObjectStoreOptions): Promise<ObjectStore> {
  const { filesDirectory, stagingDirectory, usesDescriptors } = options;
  for (const directory of [filesDirectory, stagingDirectory]) {
    await mkdir(directory, { recursive: true, mode: directoryMode });
  }
  await assertUsable(filesDirectory, stagingDirectory);
  const staging = await Staging.open(await realpath(stagingDirectory));
  const tree = await FolderTree.open(filesDirectory, { usesDescriptors });
  return new DirectoryObjectStore(tree, staging, filesDirectory);
}

async function assertUsable(filesDirectory: string, stagingDirectory: string): Promise<void> {
  const [files, staging] = [await realpath(filesDirectory), await realpath(stagingDirectory)];
  if (isWithin(files, staging) || isWithin(staging, files)) {
    throw new Error(`${files} and ${staging} must be two folders, neither inside the other`);
  }
  if ((await stat(files)).dev !== (await stat(staging)).dev) {
    throw new Error(`${files} and ${staging} must be on one file system, so that a finished upload appears at once`);
  }
}

function isWithin(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return !isAbsolute(way) && way !== ".." && !/^\.\.[/\\]/.test(way);
}

class DirectoryObjectStore implements ObjectStore {
  readonly #tree: FolderTree;
  readonly #staging: Staging;
  readonly #filesDirectory: string;
  readonly #locks = new ObjectKeyLocks();
  readonly #turns = new FolderTurns();
  readonly #listings = new FolderListings();

  constructor(tree: FolderTree, staging: Staging, filesDirectory: string) {
    this.#tree = tree;
    this.#staging = staging;
    this.#filesDirectory = filesDirectory;
  }

  async stat(objectKey: string): Promise<StoredEntry | undefined> {
    const place = placeOf(objectKey);
    if (!place) return this.#tree.within([], async (root) => entryOf(root.stats()));
    const stats = await this.#lookUp(place);
    return stats && entryOf(stats);
  }

  async openRead(objectKey: string): Promise<ObjectReader> {
    return this.#openRead(objectKey);
  }

  async openWrite(objectKey: string, transferId: string): Promise<ObjectWriter> {
    const place = await this.#placeForFile(objectKey);
    return this.#writer(await this.#staging.create(transferId), objectKey, place);
  }

  keep(transferId: string): Promise<number> {
    return this.#staging.keep(transferId);
  }

  async reopenWrite(objectKey: string, transferId: string, kept: KeptBytes): Promise<ReopenedWriter> {
    const place = await this.#placeForFile(objectKey);
    return this.#writer(await this.#staging.reopen(transferId, kept), objectKey, place, kept.bytes);
  }

  async #placeForFile(objectKey: string): Promise<Place> {
    const place = placeOrRefuse(objectKey, "not-a-file");
    const existing = await this.#lookUpTarget(place);
    if (existing && !existing.isFile()) throw new FileError("not-a-file", "what has this name is not a file");
    return place;
  }

  stagedUploads(): Promise<readonly string[]> {
    return this.#staging.transferIds();
  }

  /**
   * A file leaves the staging folder by being published. An exclusive publish takes the name in the staging folder
   * away last: a crash before that leaves a file with two names.
   */
  async outcomeOf(objectKey: string, transferId: string): Promise<"published" | "unpublished"> {
    const place = placeOf(objectKey);
    const staged = await this.#staging.lookUp(transferId);
    const placed = place && (await this.#lookUp(place));
    const isPublished = staged ? staged.ino === placed?.ino && staged.dev === placed.dev : placed?.isFile() === true;
    return isPublished ? "published" : "unpublished";
  }

  discard(transferId: string): Promise<void> {
    return this.#staging.discard(transferId);
  }

  async list(directoryKey: string, options: { after?: string | undefined; limit: number }): Promise<EntryPage> {
    const { limit } = options;
    if (!Number.isInteger(limit) || limit < 1 || limit > limits.listingPageEntries) {
      throw new FileError("invalid-argument", `a page has 1 to ${limits.listingPageEntries} entries`);
    }
    return this.#tree.within(localSegments(directoryKey), (folder) => this.#listings.page(folder, options));
  }

  async createDirectory(directoryKey: string): Promise<void> {
    const { folders, name } = placeOrRefuse(directoryKey, "already-exists");
    await this.#tree.within(folders, (parent) => makeDirectory(parent, name));
  }

  async ensureDirectory(directoryKey: string): Promise<void> {
    await this.#tree.ensure(localSegments(directoryKey));
  }

  async remove(objectKey: string, type: "file" | "directory", options: RemoveOptions = {}): Promise<void> {
    const place = placeOrRefuse(objectKey, "invalid-argument");
    await this.#tree.withinSource(place.folders, async (parent) => {
      await this.#locks.run([objectKey], () => removeEntry(parent.at(place.name), type, options));
      await parent.sync();
    });
  }

  /** Whoever holds a folder open reaches its files under any name, so a folder is renamed while nobody changes one. */
  async move(fromKey: string, toKey: string, options: MoveOptions): Promise<void> {
    const from = placeOrRefuse(fromKey, "invalid-argument");
    const to = placeOrRefuse(toKey, "already-exists");
    const source = await this.stat(fromKey);
    if (!source) throw new FileError("not-found", "there is no such file or folder");
    if (fromKey === toKey && options.overwrite && source.type === "file") return;
    const move = () =>
      this.#tree.withinSource(from.folders, (fromParent) =>
        this.#tree.within(to.folders, async (toParent) => {
          await this.#locks.run([fromKey, toKey], () =>
            moveEntry(fromParent.at(from.name), toParent.at(to.name), { ...options, type: source.type }),
          );
          await toParent.sync();
          await fromParent.sync();
        }),
      );
    await (source.type === "file" ? this.#turns.shared(move) : this.#turns.alone(move));
  }

  /** The copy has the modification time of the original. */
  async copy(fromKey: string, toKey: string, { overwrite, admits }: MoveOptions): Promise<StoredEntry> {
    const to = placeOrRefuse(toKey, "already-exists");
    const reader = await this.#turns.shared(() => this.#openRead(fromKey));
    try {
      assertAdmitted("", admits);
      const target = await this.#tree.within(to.folders, (parent) => lookUp(parent.at(to.name)));
      if (target && !(overwrite && target.isFile())) throw new FileError("already-exists", "the new name is taken");
      return await this.#copyContent(reader, toKey, { exclusive: !overwrite, modifiedAtMs: reader.entry.modifiedAtMs });
    } finally {
      await reader.close();
    }
  }

  /** Like every change of a file's attributes, this gives it another etag. */
  async setModified(objectKey: string, modifiedAtMs: number): Promise<void> {
    const place = placeOrRefuse(objectKey, "invalid-argument");
    if (!Number.isFinite(modifiedAtMs)) throw new FileError("invalid-argument", "the time is not a number");
    await this.#tree.withinSource(place.folders, async (parent) => {
      const path = parent.at(place.name);
      await this.#locks.run([objectKey], async () => {
        const stats = await lookUp(path);
        if (!stats || !entryOf(stats)) throw new FileError("not-found", "there is no such file or folder");
        await setModified(path, modifiedAtMs);
      });
    });
  }

  async capacity(): Promise<Capacity> {
    try {
      const { bsize, blocks, bavail } = await statfs(this.#filesDirectory);
      return { totalBytes: blocks * bsize, freeBytes: bavail * bsize };
    } catch (error) {
      throw toFileError(error);
    }
  }

  #openRead(objectKey: string): Promise<DirectoryReader> {
    const { folders, name } = placeOrRefuse(objectKey, "not-a-file");
    return this.#tree.withinSource(folders, (parent) => DirectoryReader.open(parent.at(name)));
  }

  #writer(staged: Staged, objectKey: string, { folders, name }: Place, size = 0): DirectoryWriter {
    const putInPlace: PutInPlace = ({ file, path }, options) =>
      this.#turns.shared(() =>
        this.#tree.withinMade(folders, async (parent) => {
          await this.#locks.run([objectKey], () => placeFile(path, parent.at(name), options));
          const entry = fileEntryOf(file.stats());
          await parent.sync();
          return entry;
        }),
      );
    return new DirectoryWriter(staged, { putInPlace, setAside: (one) => this.#staging.setAside(one) }, size);
  }

  async #copyContent(reader: DirectoryReader, toKey: string, options: PublishOptions): Promise<StoredEntry> {
    const staged = await this.#staging.createCopy(reader.file);
    const writer = this.#writer(staged, toKey, placeOrRefuse(toKey, "already-exists"));
    try {
      if (!staged.isComplete) await pump(reader, writer);
      return await writer.publish(options);
    } catch (error) {
      await writer.abort();
      await unlinkIfThere(staged.path);
      throw error;
    }
  }

  /** What has the name, if anything. */
  async #lookUp({ folders, name }: Place): Promise<BigIntStats | undefined> {
    return this.#tree.withinSource(folders, (parent) => lookUp(parent.at(name))).catch(undefinedWhenNotFound);
  }

  /** As {@link #lookUp} for a name to be written. @throws FileError `not-a-directory` when a parent is a file. */
  async #lookUpTarget({ folders, name }: Place): Promise<BigIntStats | undefined> {
    return this.#tree.within(folders, (parent) => lookUp(parent.at(name))).catch(undefinedWhenNotFound);
  }
}

/** The place of an object that cannot be the root. @throws FileError with this code for the root. */
function placeOrRefuse(objectKey: string, code: FileErrorCode): Place {
  const place = placeOf(objectKey);
  if (place) return place;
  throw new FileError(code, "this is the root folder");
}

function undefinedWhenNotFound(error: unknown): undefined {
  if (!hasCode(error, "not-found")) throw error;
}

async function pump(reader: ObjectReader, writer: ObjectWriter): Promise<void> {
  const chunk = new Uint8Array(copyChunkBytes);
  let position = 0;
  for (let count = await reader.read(chunk, 0); count > 0; count = await reader.read(chunk, position)) {
    await writer.write(chunk.subarray(0, count));
    position += count;
  }
}
