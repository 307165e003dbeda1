import { FileError } from "../../core/errors.ts";
import type { FolderMap } from "../../core/folder-map.ts";
import { parentOf, type VirtualPath } from "../../core/virtual-path.ts";
import type { ObjectStore, StatOptions, StoredEntry } from "../../ports/object-store.ts";
import { virtualFolderAt } from "./listing.ts";
import type { Target } from "./transfer.ts";

/** What is at the paths of one account: what the store holds, and the folders that exist by configuration. */
export class Entries {
  readonly #objects: ObjectStore;
  readonly #folders: FolderMap;

  constructor(objects: ObjectStore, folders: FolderMap) {
    this.#objects = objects;
    this.#folders = folders;
  }

  async at({ path, objectKey }: Target, options?: StatOptions): Promise<StoredEntry | undefined> {
    const entry = this.#folders.isSynthetic(path) ? undefined : await this.#objects.stat(objectKey, options);
    if (entry || !this.#folders.isVirtualRoot(path)) return entry;
    return virtualFolderAt(path, this.#objects, this.#folders);
  }

  /** Virtual folders exist by configuration: no client can replace, rename or delete one. */
  assertNotVirtual(path: VirtualPath, code: "not-a-file" | "already-exists" | "permission-denied"): void {
    if (!this.#folders.isVirtualRoot(path)) return;
    const rule = `${path} is a folder that the configuration defines`;
    throw new FileError(code, rule, code === "permission-denied" ? { rule } : {});
  }

  /** A file in a folder that is not there is a typing error more often than a wish for that folder. */
  async assertParentExists(path: VirtualPath): Promise<void> {
    const parent = parentOf(path);
    const target = { path: parent, objectKey: this.#folders.objectKeyFor(parent) };
    const entry = await this.at(target, { recentFolder: true });
    if (!entry) throw new FileError("not-found", `the folder ${parent} does not exist`);
    if (entry.type !== "directory") throw new FileError("not-a-directory", `${parent} is not a folder`);
  }
}
