import { FileError } from "../../core/errors.ts";
import { parentOf, rootPath, type VirtualPath } from "../../core/virtual-path.ts";
import type { Destination } from "./destination.ts";
import type { DispatchServices } from "./dispatch-services.ts";

/**
 * Looks, before the first file of an archive appears, whether one of them would fail for what is at its place, so that
 * an archive is extracted whole or not at all. What gets there later is another matter.
 */
export class UnpackingRoom {
  readonly #services: Pick<DispatchServices, "objects">;
  readonly #folder: Destination;
  readonly #folders = new Set<VirtualPath>();

  constructor(services: Pick<DispatchServices, "objects">, folder: Destination) {
    this.#services = services;
    this.#folder = folder;
  }

  /** @throws FileError `already-exists` or `not-a-directory`, which name what is in the way */
  async assertFree(path: VirtualPath): Promise<void> {
    const { overwrite } = this.#folder;
    await this.#assertFolder(parentOf(path));
    if (overwrite !== "fail" && overwrite !== "replace") return;
    const type = await this.#typeAt(path);
    if (type === undefined || (type === "file" && overwrite === "replace")) return;
    throw new FileError("already-exists", `${path} exists already, and nothing of the archive is extracted`);
  }

  /** The folder is there or can be made. */
  async #assertFolder(path: VirtualPath): Promise<void> {
    if (path === rootPath || this.#folders.has(path)) return;
    if ((await this.#typeAt(path)) === "file") {
      throw new FileError("not-a-directory", `${path} is a file, and nothing of the archive is extracted`);
    }
    await this.#assertFolder(parentOf(path));
    this.#folders.add(path);
  }

  async #typeAt(path: VirtualPath): Promise<"file" | "directory" | undefined> {
    const { folders } = this.#folder;
    if (folders.isVirtualRoot(path)) return "directory";
    return (await this.#services.objects.stat(folders.objectKeyFor(path)))?.type;
  }
}
