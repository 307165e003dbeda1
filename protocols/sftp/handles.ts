import { FileError } from "../../core/errors.ts";
import { parseVirtualPath, type VirtualPath } from "../../core/virtual-path.ts";
import type { Download } from "../../service/session/download.ts";
import type { Listing } from "../../service/session/listing.ts";
import type { Upload } from "../../service/session/upload.ts";

type ListingPage = NonNullable<Awaited<ReturnType<Listing["next"]>>>;
export type ListedEntry = ListingPage[number];
export type ListedFacts = Pick<ListedEntry, "type" | "size" | "modifiedAtMs">;

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

/** As an entry that is there already. */
export function uploadFacts({ upload, openedAtMs }: OpenUpload): ListedFacts {
  return { type: "file", size: upload.size, modifiedAtMs: upload.modifiedAtMs ?? openedAtMs };
}

export interface OpenDirectory {
  readonly type: "directory";
  readonly path: string;
  readonly listing: Listing;
  /** Entries that were read and not yet sent. */
  unsent: readonly ListedEntry[];
}

export type OpenHandle = OpenDownload | OpenUpload | OpenDirectory;

/** How much is open on one connection, over all its channels. */
export interface OpenCounts {
  files: number;
  directories: number;
}

type CountedAs = keyof OpenCounts;

/** What is open on one channel. Handles are numbers, given out once. */
export class HandleTable {
  readonly #open = new Map<string, OpenHandle>();
  readonly #counts: OpenCounts;
  readonly #most: Readonly<OpenCounts>;
  #nextHandle = 1;

  /** `counts` is shared by the channels of a connection; `most` is how much may be open. */
  constructor(counts: OpenCounts, most: Readonly<OpenCounts>) {
    this.#counts = counts;
    this.#most = most;
  }

  get size(): number {
    return this.#open.size;
  }

  /**
   * Opens something and answers its handle. The place is taken before, because many may be opened at the same time.
   * @throws FileError `unavailable` when too much is open, and whatever `open` throws.
   */
  async add(countedAs: CountedAs, open: () => Promise<OpenHandle>): Promise<string> {
    if (this.#counts[countedAs] >= this.#most[countedAs]) {
      const what = countedAs === "files" ? "files" : "folders";
      throw new FileError("unavailable", `more than ${this.#most[countedAs]} ${what} are open on this connection`);
    }
    this.#counts[countedAs] += 1;
    try {
      const entry = await open();
      const handle = `${this.#nextHandle++}`;
      this.#open.set(handle, entry);
      return handle;
    } catch (error) {
      this.#counts[countedAs] -= 1;
      throw error;
    }
  }

  /** @throws FileError `invalid-argument` for a handle that is not open. */
  get(handle: string): OpenHandle {
    const entry = this.#open.get(handle);
    if (!entry) throw new FileError("invalid-argument", "the handle is not open");
    return entry;
  }

  /** The path that was opened, as the client wrote it; undefined for a handle that is not open. */
  pathOf(handle: string): string | undefined {
    return this.#open.get(handle)?.path;
  }

  /** Of the upload to this path that was begun last. */
  uploadHandle(target: VirtualPath): string | undefined {
    const isUpload = ([, entry]: [string, OpenHandle]) =>
      entry.type === "upload" && parseVirtualPath(entry.path) === target;
    return [...this.#open].findLast(isUpload)?.[0];
  }

  /** The upload to this path that was begun last. @throws FileError `invalid-path` */
  uploadTo(path: string): OpenUpload | undefined {
    const entry = this.#open.get(this.uploadHandle(parseVirtualPath(path)) ?? "");
    return entry?.type === "upload" ? entry : undefined;
  }

  /** As {@link get}; the handle is closed from then on. */
  take(handle: string): OpenHandle {
    const entry = this.get(handle);
    this.#open.delete(handle);
    this.#counts[entry.type === "directory" ? "directories" : "files"] -= 1;
    return entry;
  }

  /** Ends everything that is still open without completing it. Never rejects; answers what failed. */
  async interruptAll(reason: string): Promise<unknown[]> {
    const entries = [...this.#open.keys()].map((handle) => this.take(handle));
    const results = await Promise.allSettled(entries.map((entry) => interrupted(entry, reason)));
    return results.flatMap((result) => (result.status === "rejected" ? [result.reason] : []));
  }
}

async function interrupted(entry: OpenHandle, reason: string): Promise<void> {
  if (entry.type === "upload") await entry.upload.interrupt(reason);
  if (entry.type === "download") await entry.download.abort(reason);
}
