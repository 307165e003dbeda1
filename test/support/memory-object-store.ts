import { createHash } from "node:crypto";
import { FileError } from "../../core/errors.ts";
import { compareByBytes, listingPosition, objectKeySegments } from "../../core/object-key.ts";
import type {
  EntryPage,
  MoveOptions,
  ObjectReader,
  ObjectStore,
  RemoveOptions,
  ReopenedWriter,
  StoredEntry,
} from "../../ports/object-store.ts";

interface StoredFile {
  readonly content: Uint8Array;
  readonly modifiedAtMs: number;
  readonly etag: string;
  readonly transferId: string | undefined;
}

const directoryEntry: StoredEntry = { type: "directory", size: 0, modifiedAtMs: 0, etag: "" };

/** The objects and folders of a test, by objectKey. Folders are keys too; the root is always there. */
interface Tree {
  readonly files: Map<string, StoredFile>;
  readonly folders: Set<string>;
  readonly staged: Map<string, Uint8Array[]>;
  readonly kept: Map<string, Uint8Array>;
}

/** An {@link ObjectStore} that keeps everything in memory and refuses what the port says must be refused. */
export function createMemoryObjectStore(): ObjectStore {
  const tree: Tree = { files: new Map(), folders: new Set(), staged: new Map(), kept: new Map() };
  return {
    stat: async (objectKey) => entryAt(tree, objectKey),
    openRead: async (objectKey) => readerOf(fileAt(tree, objectKey)),
    openWrite: async (objectKey, transferId) => openWriter(tree, objectKey, transferId),
    keep: async (transferId) => keepBytes(tree, transferId),
    reopenWrite: async (objectKey, transferId, kept) => {
      const bytes = tree.kept.get(kept.transferId);
      if (!bytes || bytes.length < kept.bytes) throw new FileError("not-found", "nothing is kept of that upload");
      const writer = openWriter(tree, objectKey, transferId);
      tree.kept.delete(kept.transferId);
      await writer.write(bytes.subarray(0, kept.bytes));
      return writer;
    },
    stagedUploads: async () => [...tree.staged.keys()],
    outcomeOf: async (objectKey, transferId) => {
      assertObjectKeys(objectKey);
      return tree.files.get(objectKey)?.transferId === transferId ? "published" : "unpublished";
    },
    discard: async (transferId) => {
      tree.staged.delete(transferId);
      tree.kept.delete(transferId);
    },
    list: async (directoryKey, options) => listed(tree, directoryKey, options),
    createDirectory: async (directoryKey) => {
      assertFree(tree, directoryKey);
      assertDirectory(tree, parentOf(directoryKey));
      tree.folders.add(directoryKey);
    },
    ensureDirectory: async (directoryKey) => makeFolders(tree, directoryKey),
    remove: async (objectKey, type, options) => removeEntry(tree, objectKey, { type, ...options }),
    move: async (fromKey, toKey, options) => moveEntry(tree, { fromKey, toKey, ...options }),
    copy: async (fromKey, toKey, { overwrite, admits }) => {
      assertObjectKeys(fromKey, toKey);
      const file = fileAt(tree, fromKey);
      assertAdmitted([""], admits);
      if (!overwrite || tree.folders.has(toKey)) assertFree(tree, toKey);
      assertDirectory(tree, parentOf(toKey));
      tree.files.set(toKey, { ...file, transferId: undefined });
      return entryOf(file);
    },
    setModified: async (objectKey, modifiedAtMs) => {
      if (isDirectory(tree, objectKey)) return;
      tree.files.set(objectKey, { ...fileAt(tree, objectKey), modifiedAtMs });
    },
    capacity: undefined,
  };
}

/** What is no objectKey is refused as that, whatever else is wrong. */
function assertObjectKeys(...objectKeys: readonly string[]): void {
  for (const objectKey of objectKeys) objectKeySegments(objectKey);
}

function parentOf(objectKey: string): string {
  return objectKeySegments(objectKey).slice(0, -1).join("/");
}

function isDirectory({ folders }: Tree, objectKey: string): boolean {
  return objectKey === "" || folders.has(objectKey);
}

function entryAt(tree: Tree, objectKey: string): StoredEntry | undefined {
  objectKeySegments(objectKey);
  if (isDirectory(tree, objectKey)) return directoryEntry;
  const file = tree.files.get(objectKey);
  return file && entryOf(file);
}

function entryOf({ content, modifiedAtMs, etag }: StoredFile): StoredEntry {
  return { type: "file", size: content.length, modifiedAtMs, etag };
}

function fileAt(tree: Tree, objectKey: string): StoredFile {
  const entry = entryAt(tree, objectKey);
  if (entry?.type === "directory") throw new FileError("not-a-file", `${objectKey} is a folder`);
  const file = tree.files.get(objectKey);
  if (!file) throw new FileError("not-found", `${objectKey} does not exist`);
  return file;
}

function assertDirectory(tree: Tree, objectKey: string): void {
  const entry = entryAt(tree, objectKey);
  if (!entry) throw new FileError("not-found", `${objectKey} does not exist`);
  if (entry.type === "file") throw new FileError("not-a-directory", `${objectKey} is not a folder`);
}

function assertFree(tree: Tree, objectKey: string): void {
  if (entryAt(tree, objectKey)) throw new FileError("already-exists", `${objectKey} exists`);
}

function makeFolders(tree: Tree, directoryKey: string): void {
  const segments = objectKeySegments(directoryKey);
  for (let depth = 1; depth <= segments.length; depth += 1) {
    const folder = segments.slice(0, depth).join("/");
    if (tree.files.has(folder)) throw new FileError("not-a-directory", `${folder} is not a folder`);
    tree.folders.add(folder);
  }
}

function readerOf(file: StoredFile): ObjectReader {
  return {
    entry: entryOf(file),
    read: async (target, position) => {
      const bytes = file.content.subarray(position, position + target.length);
      target.set(bytes);
      return bytes.length;
    },
    close: async () => {},
  };
}

/** All bytes but the last: a block of this store is one byte. */
function keepBytes(tree: Tree, transferId: string): number {
  const content = tree.kept.get(transferId) ?? Buffer.concat(tree.staged.get(transferId) ?? []);
  if (content.length < 2) return 0;
  tree.kept.set(transferId, content);
  tree.staged.delete(transferId);
  return content.length - 1;
}

function openWriter(tree: Tree, objectKey: string, transferId: string): ReopenedWriter {
  if (isDirectory(tree, objectKey)) throw new FileError("not-a-file", `${objectKey} is a folder`);
  const segments = objectKeySegments(objectKey);
  const parents = segments.map((_, depth) => segments.slice(0, depth).join("/"));
  if (parents.some((parent) => tree.files.has(parent))) throw new FileError("not-a-directory", "a parent is a file");
  const chunks: Uint8Array[] = [];
  let hasEnded = false;
  const assertOpen = () => {
    if (hasEnded) throw new FileError("invalid-argument", "the upload has ended");
  };
  tree.staged.set(transferId, chunks);
  return {
    write: async (chunk) => {
      assertOpen();
      // The caller may use its memory again afterwards.
      chunks.push(Uint8Array.from(chunk));
    },
    flush: async () => assertOpen(),
    publish: async ({ modifiedAtMs = Date.now(), exclusive = false, replacesEtag }) => {
      assertOpen();
      if (tree.kept.has(transferId)) throw new FileError("unavailable", "the upload was ended by another process");
      if (isDirectory(tree, objectKey)) throw new FileError("not-a-file", `${objectKey} is a folder`);
      if (exclusive) assertFree(tree, objectKey);
      if (replacesEtag !== undefined && tree.files.get(objectKey)?.etag !== replacesEtag) {
        throw new FileError("precondition-failed", `${objectKey} has changed`);
      }
      makeFolders(tree, parentOf(objectKey));
      const content = Buffer.concat(chunks);
      const etag = createHash("sha256").update(content).digest("hex");
      const file = { content, modifiedAtMs, etag, transferId };
      tree.files.set(objectKey, file);
      tree.staged.delete(transferId);
      hasEnded = true;
      return entryOf(file);
    },
    cut: async (bytes) => {
      assertOpen();
      chunks.splice(0, chunks.length, Buffer.concat(chunks).subarray(0, bytes));
    },
    keep: async () => {
      if (hasEnded) return 0;
      hasEnded = true;
      return keepBytes(tree, transferId);
    },
    // Stays staged until it is discarded.
    abort: async () => {
      if (!hasEnded) chunks.length = 0;
      hasEnded = true;
    },
  };
}

function listed(
  tree: Tree,
  directoryKey: string,
  { after, limit }: { after?: string | undefined; limit: number },
): EntryPage {
  assertDirectory(tree, directoryKey);
  const prefix = directoryKey === "" ? "" : `${directoryKey}/`;
  const found = [...tree.files.keys(), ...tree.folders]
    .filter((objectKey) => objectKey.startsWith(prefix) && !objectKey.slice(prefix.length).includes("/"))
    .map((objectKey) => objectKey.slice(prefix.length))
    .map((name) => ({ name, ...(entryAt(tree, prefix + name) ?? directoryEntry) }))
    .filter((entry) => after === undefined || compareByBytes(listingPosition(entry), after) > 0)
    .sort((left, right) => compareByBytes(listingPosition(left), listingPosition(right)));
  const entries = found.slice(0, limit);
  const last = entries.at(-1);
  return { entries, next: found.length > limit && last ? listingPosition(last) : undefined };
}

function assertNotRoot(objectKey: string): void {
  if (objectKey === "") throw new FileError("invalid-argument", "this is the root folder");
}

function removeEntry(
  tree: Tree,
  objectKey: string,
  { type, etag }: RemoveOptions & { readonly type: "file" | "directory" },
): void {
  assertNotRoot(objectKey);
  const entry = entryAt(tree, objectKey);
  if (entry && etag !== undefined && etag !== entry.etag) {
    throw new FileError("precondition-failed", `${objectKey} has changed`);
  }
  if (type === "file") {
    fileAt(tree, objectKey);
    tree.files.delete(objectKey);
    return;
  }
  assertDirectory(tree, objectKey);
  if (listed(tree, objectKey, { limit: 1 }).entries.length > 0) {
    throw new FileError("directory-not-empty", `${objectKey} is not empty`);
  }
  tree.folders.delete(objectKey);
}

function assertAdmitted(names: readonly string[], admits: MoveOptions["admits"]): void {
  if (admits && !names.every(admits)) throw new FileError("permission-denied", "a file may not get this name");
}

function moveEntry(tree: Tree, move: MoveOptions & { readonly fromKey: string; readonly toKey: string }): void {
  const { fromKey, toKey, overwrite, admits } = move;
  assertObjectKeys(fromKey, toKey);
  assertNotRoot(fromKey);
  const entry = entryAt(tree, fromKey);
  if (!entry) throw new FileError("not-found", `${fromKey} does not exist`);
  const replacesFile = overwrite && entry.type === "file" && tree.files.has(toKey);
  if (!replacesFile) assertFree(tree, toKey);
  assertDirectory(tree, parentOf(toKey));
  if (toKey.startsWith(`${fromKey}/`)) throw new FileError("invalid-argument", "a folder cannot move into itself");
  const moved = (objectKey: string) => toKey + objectKey.slice(fromKey.length);
  const isMoved = (objectKey: string) => objectKey === fromKey || objectKey.startsWith(`${fromKey}/`);
  const names = [...tree.files.keys()].filter(isMoved).map((objectKey) => objectKey.slice(fromKey.length + 1));
  assertAdmitted(names, admits);
  for (const [objectKey, file] of [...tree.files].filter(([movedKey]) => isMoved(movedKey))) {
    tree.files.delete(objectKey);
    tree.files.set(moved(objectKey), file);
  }
  for (const folder of [...tree.folders].filter(isMoved)) {
    tree.folders.delete(folder);
    tree.folders.add(moved(folder));
  }
}
