import { FileError } from "../../core/errors.ts";
import type { Download } from "../../service/session/download.ts";
import type { Listing } from "../../service/session/listing.ts";
import type { Upload } from "../../service/session/upload.ts";

type ListingPage = NonNullable<Awaited<ReturnType<Listing["next"]>>>;
export type ListedEntry = ListingPage[number];

export interface OpenDownload {
  readonly type: "download";
  readonly path: string;
  readonly download: Download;
}

export interface OpenUpload {
  readonly type: "upload";
  readonly path: string;
  readonly upload: Upload;
  readonly openedAtMs: number;
}

export interface OpenDirectory {
  readonly type: "directory";
  readonly path: string;
  readonly listing: Listing;
  /** Entries that were read and not yet sent. */
  unsent: readonly ListedEntry[];
}

export type OpenHandle = OpenDownload | OpenUpload | OpenDirectory;

/** How many folders are open on one connection, over all its channels. Files are counted by the session. */
export interface OpenDirectoryCount {
  count: number;
}

/** What is open on one channel. Handles are numbers, given out once. */
export class HandleTable {
  readonly #open = new Map<string, OpenHandle>();
  readonly #directories: OpenDirectoryCount;
  readonly #maxDirectories: number;
  #nextHandle = 1;

  constructor(directories: OpenDirectoryCount, maxDirectories: number) {
    this.#directories = directories;
    this.#maxDirectories = maxDirectories;
  }

  get size(): number {
    return this.#open.size;
  }

  add(entry: OpenHandle): string {
    const handle = `${this.#nextHandle++}`;
    this.#open.set(handle, entry);
    return handle;
  }

  /** @throws FileError `unavailable` when too many folders are open. To be followed by `add` or `releaseDirectory`. */
  reserveDirectory(): void {
    if (this.#directories.count >= this.#maxDirectories) {
      throw new FileError("unavailable", `more than ${this.#maxDirectories} folders are open on this connection`);
    }
    this.#directories.count += 1;
  }

  releaseDirectory(): void {
    this.#directories.count -= 1;
  }

  /** @throws FileError `invalid-argument` for a handle that is not open. */
  get(handle: string): OpenHandle {
    const entry = this.#open.get(handle);
    if (!entry) throw new FileError("invalid-argument", "the handle is not open");
    return entry;
  }

  /** As {@link get}; the handle is closed from then on. */
  take(handle: string): OpenHandle {
    const entry = this.get(handle);
    this.#open.delete(handle);
    if (entry.type === "directory") this.releaseDirectory();
    return entry;
  }

  /** Ends everything that is still open without completing it. Never rejects; answers what failed. */
  async abortAll(reason: string): Promise<unknown[]> {
    const entries = [...this.#open.keys()].map((handle) => this.take(handle));
    const results = await Promise.allSettled(entries.map((entry) => aborted(entry, reason)));
    return results.flatMap((result) => (result.status === "rejected" ? [result.reason] : []));
  }
}

async function aborted(entry: OpenHandle, reason: string): Promise<void> {
  if (entry.type === "upload") await entry.upload.abort(reason);
  if (entry.type === "download") await entry.download.abort(reason);
}
