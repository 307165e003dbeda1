import type { FolderMap } from "../../core/folder-map.ts";
import { limits } from "../../core/limits.ts";
import { compareByBytes, listingPosition } from "../../core/object-key.ts";
import type { EntryPage, NamedEntry, ObjectStore } from "../../ports/object-store.ts";
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
    found.push(...page.entries.filter(({ name, type }) => isVisible(name, type, { names, onlyFolders })));
    if (found.length >= limit || page.next === undefined) break;
    page = await nextPage(source, page.next);
  }
  const end = page?.next;
  const isHere = (position: string) =>
    compareByBytes(position, after) > 0 && (!end || compareByBytes(position, end) <= 0);
  const virtual = names.map((name) => ({ name, ...virtualFolderEntry })).filter((one) => isHere(listingPosition(one)));
  const entries = [...found, ...virtual].sort((left, right) =>
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

function isVisible(name: string, type: NamedEntry["type"], { names, onlyFolders }: Visibility): boolean {
  return !names.includes(name) && (!onlyFolders || type === "directory");
}

/** The pages of a folder. `onlyFolders` is what `allow-traverse` grants. */
export async function* pagesOf(source: FolderSource, onlyFolders: boolean): AsyncGenerator<readonly NamedEntry[]> {
  const names = source.folders.virtualEntriesOf(source.target.path);
  if (names.length > 0) yield names.map((name) => ({ name, ...virtualFolderEntry }));
  let page = source.first;
  while (page) {
    const visible = page.entries.filter(({ name, type }) => isVisible(name, type, { names, onlyFolders }));
    if (visible.length > 0) yield visible;
    page = page.next === undefined ? undefined : await nextPage(source, page.next);
  }
}

function nextPage({ objects, target }: { objects: ObjectStore; target: Target }, after: string): Promise<EntryPage> {
  return objects.list(target.objectKey, { after, limit: limits.listingPageEntries });
}

/** A folder that exists by configuration, whatever the store holds. */
export const virtualFolderEntry = { type: "directory", size: 0, modifiedAtMs: 0, etag: "" } as const;
