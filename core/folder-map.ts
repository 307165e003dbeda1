import type { Account } from "./account.ts";
import { FileError } from "./errors.ts";
import { limits } from "./limits.ts";
import { isReserved, reservedFolder } from "./reserved-place.ts";
import { nameOf, parentOf, parseVirtualPath, rootPath, utf8Length, type VirtualPath } from "./virtual-path.ts";

/** A home or virtual folder that cannot be used. */
export class FolderMapError extends Error {
  override readonly name = "FolderMapError";
  /** The virtual folder at fault, as it was written; undefined for the home. */
  readonly folder: string | undefined;

  constructor(message: string, folder?: string) {
    super(message);
    this.folder = folder;
  }
}

/** Where what an account sees lies in the store: its virtual folders, and its home for everything else. */
export class FolderMap {
  /** The prefix in the store of the root and of every virtual folder. */
  readonly #prefixes = new Map<VirtualPath, string>();
  /** What the configuration alone makes visible: for each folder that has any, the names directly below it. */
  readonly #entries = new Map<VirtualPath, string[]>();

  /** @throws FolderMapError for what cannot be read, the root as a virtual folder, and a folder given twice. */
  constructor({ home, folders }: Pick<Account, "home" | "folders">) {
    this.#prefixes.set(
      rootPath,
      readable(() => parseStorePrefix(home)),
    );
    for (const { path: written, prefix } of folders) {
      const path = readable(() => parseVirtualPath(written), written);
      if (path === rootPath) throw new FolderMapError("the root cannot be a virtual folder: it is the home", written);
      if (this.#prefixes.has(path)) throw new FolderMapError(`${path} is a virtual folder already`, written);
      this.#prefixes.set(
        path,
        readable(() => parseStorePrefix(prefix), written),
      );
      this.#show(path);
    }
  }

  /** Makes the path visible in its parent, and the parent in its own, up to the root. */
  #show(path: VirtualPath): void {
    if (path === rootPath) return;
    const parent = parentOf(path);
    const names = this.#entries.get(parent) ?? [];
    if (!names.includes(nameOf(path))) this.#entries.set(parent, [...names, nameOf(path)].sort());
    this.#show(parent);
  }

  /**
   * The place in the store, without slashes at the ends; empty for the store's root. Whatever the path, it is the
   * prefix of the innermost virtual folder around it, or the home, or lies below that.
   * @throws FileError `invalid-path` when it is longer than S3 allows (1,024 bytes of UTF-8), or is the server's own.
   */
  objectKeyFor(path: VirtualPath): string {
    let folder = path;
    while (!this.#prefixes.has(folder)) folder = parentOf(folder);
    const prefix = this.#prefixes.get(folder) ?? "";
    const below = path.slice(folder.length).replace(/^\//, "");
    const objectKey = prefix === "" || below === "" ? prefix + below : `${prefix}/${below}`;
    if (utf8Length(objectKey) > limits.objectKeyBytes) {
      throw new FileError("invalid-path", "the path is too long for the store");
    }
    assertNotReserved(objectKey);
    return objectKey;
  }

  /** Where the account sees what lies there, the shortest path of several; undefined for what it does not see. */
  pathOf(objectKey: string): VirtualPath | undefined {
    const around = [...this.#prefixes].filter(([, prefix]) => prefix === "" || objectKey.startsWith(`${prefix}/`));
    const paths = around.map(([folder, prefix]) => {
      const below = prefix === "" ? objectKey : objectKey.slice(prefix.length + 1);
      return parseVirtualPath(`${folder}/${below}`);
    });
    // A virtual folder hides what has its name in the folder around it.
    const seen = paths.filter((path) => this.objectKeyFor(path) === objectKey);
    return seen.sort((left, right) => left.length - right.length)[0];
  }

  /** The names of virtual folders, and of folders on the way to one, directly below `folder`, sorted. */
  virtualEntriesOf(folder: VirtualPath): readonly string[] {
    return this.#entries.get(folder) ?? [];
  }

  /** True for what the configuration makes exist: the root, virtual folders and folders on the way to one. */
  isVirtualRoot(path: VirtualPath): boolean {
    return this.#prefixes.has(path) || this.#entries.has(path);
  }

  /** True for a folder that is only on the way to a virtual folder: nothing in the store stands for it. */
  isSynthetic(path: VirtualPath): boolean {
    return this.#entries.has(path) && !this.#prefixes.has(path);
  }

  /** The places in the store of the home and the virtual folders; the store's root, which always exists, left out. */
  provisionedKeys(): readonly string[] {
    return [...new Set(this.#prefixes.values())].filter((prefix) => prefix !== "");
  }
}

/**
 * Reads a home or the prefix of a virtual folder: names joined by `/`, one slash allowed at either end. The answer
 * has none there; it is empty for the store's root.
 * @throws FileError `invalid-path` for empty names, `.`, `..`, whatever a virtual path may not hold, and the folder
 * that is the server's own.
 */
export function parseStorePrefix(text: string): string {
  const prefix = text.replace(/^\//, "").replace(/\/$/, "");
  const path = parseVirtualPath(prefix);
  if (path !== `/${prefix}`) {
    throw new FileError("invalid-path", "the prefix has an empty name, . or .. in it");
  }
  assertNotReserved(prefix);
  return prefix;
}

function assertNotReserved(objectKey: string): void {
  if (isReserved(objectKey)) throw new FileError("invalid-path", `${reservedFolder} is the server's own folder`);
}

function readable<T>(read: () => T, folder?: string): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    throw new FolderMapError(error.message, folder);
  }
}
