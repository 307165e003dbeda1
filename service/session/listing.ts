import type { FolderMap } from "../../core/folder-map.ts";
import { limits } from "../../core/limits.ts";
import { compareByBytes, listingPosition } from "../../core/object-key.ts";
import { isReserved } from "../../core/reserved-place.ts";
import { parseVirtualPath, type VirtualPath } from "../../core/virtual-path.ts";
import type { EntryPage, NamedEntry, ObjectStore, StoredEntry } from "../../ports/object-store.ts";
import type { Target } from "./transfer.ts";

/** A folder being read, page by page. Virtual folders come first, and hide what has their name in the store. */
export class Listing {
  readonly #pages: AsyncIterator<readonly NamedEntry[]>;

  constructor(pages: AsyncIterable<readonly NamedEntry[]>) {
    this.#pages = pages[Symbol.asyncIterator]();
  }

  /** The next entries, in the order of the store; undefined after the last. */
  async next(): Promise<readonly NamedEntry[] | undefined> {
    const { done, value } = await this.#pages.next();
    return done ? undefined : value;
  }
}

/** A folder in the store that was authorized, and its first page. */
export interface FolderSource {
  readonly objects: ObjectStore;
  readonly folders: FolderMap;
  readonly target: Target;
  /** Undefined where nothing in the store stands for a virtual folder. */
  readonly first: EntryPage | undefined;
}

export interface PageOptions {
  readonly after?: string | undefined;
  readonly limit: number;
}

/** One page, with the virtual folders in their place among the others. `source.first` is read with these options. */
export async function pageOf(source: FolderSource, onlyFolders: boolean, options: PageOptions): Promise<EntryPage> {
  const { after = "", limit } = options;
  const names = source.folders.virtualEntriesOf(source.target.path);
  const found: NamedEntry[] = [];
  let page = source.first;
  while (page) {
    found.push(...page.entries.filter((entry) => isVisible(entry, source, { names, onlyFolders })));
    if (found.length >= limit || page.next === undefined) break;
    page = await nextPage(source, page.next);
  }
  const end = page?.next;
  const isHere = (position: string) =>
    compareByBytes(position, after) > 0 && (!end || compareByBytes(position, end) <= 0);
  const virtual = names.filter((name) => isHere(listingPosition({ name, type: "directory" })));
  const entries = [...found, ...(await virtualEntries(source, virtual))].sort((left, right) =>
    compareByBytes(listingPosition(left), listingPosition(right)),
  );
  const lastShown = entries[limit - 1];
  return {
    entries: entries.slice(0, limit),
    next: entries.length > limit && lastShown ? listingPosition(lastShown) : end,
  };
}

interface Visibility {
  readonly names: readonly string[];
  readonly onlyFolders: boolean;
}

function isVisible({ name, type }: NamedEntry, { target }: FolderSource, { names, onlyFolders }: Visibility): boolean {
  const isOwn = target.objectKey === "" && isReserved(name);
  return !isOwn && !names.includes(name) && (!onlyFolders || type === "directory");
}

/** The pages of a folder. `onlyFolders` is what `allow-traverse` grants. */
export async function* pagesOf(source: FolderSource, onlyFolders: boolean): AsyncGenerator<readonly NamedEntry[]> {
  const names = source.folders.virtualEntriesOf(source.target.path);
  if (names.length > 0) yield await virtualEntries(source, names);
  let page = source.first;
  while (page) {
    const visible = page.entries.filter((entry) => isVisible(entry, source, { names, onlyFolders }));
    if (visible.length > 0) yield visible;
    page = page.next === undefined ? undefined : await nextPage(source, page.next);
  }
}

function nextPage({ objects, target }: { objects: ObjectStore; target: Target }, after: string): Promise<EntryPage> {
  return objects.list(target.objectKey, { after, limit: limits.listingPageEntries });
}

function virtualEntries({ objects, folders, target }: FolderSource, names: readonly string[]): Promise<NamedEntry[]> {
  const entries = names.map(async (name) => {
    const path = parseVirtualPath(name, target.path);
    return { name, ...(await virtualFolderAt(path, objects, folders)) };
  });
  return Promise.all(entries);
}

const neverChanged: StoredEntry = { type: "directory", size: 0, modifiedAtMs: 0, etag: "" };

/**
 * A folder that exists by configuration, whatever the store holds. Its time is that of the folder in the store that it
 * stands for; one that is only on the way to others has the time of the first of them.
 */
export async function virtualFolderAt(
  path: VirtualPath,
  objects: ObjectStore,
  folders: FolderMap,
): Promise<StoredEntry> {
  if (!folders.isSynthetic(path)) {
    const entry = await objects.stat(folders.objectKeyFor(path));
    return entry?.type === "directory" ? entry : neverChanged;
  }
  const [first] = folders.virtualEntriesOf(path);
  return first === undefined ? neverChanged : virtualFolderAt(parseVirtualPath(first, path), objects, folders);
}
