import type { FolderMap } from "../../core/folder-map.ts";
import { limits } from "../../core/limits.ts";
import type { EntryPage, NamedEntry, ObjectStore } from "../../ports/object-store.ts";
import type { Target } from "./transfer.ts";

/** A folder being read, page by page. Virtual folders come first, and hide what has their name in the store. */
export class Listing {
  readonly #pages: AsyncIterator<readonly NamedEntry[]>;

  constructor(pages: AsyncIterable<readonly NamedEntry[]>) {
    this.#pages = pages[Symbol.asyncIterator]();
  }

  /** The next entries, in byte order within the store; undefined after the last. */
  async next(): Promise<readonly NamedEntry[] | undefined> {
    const { done, value } = await this.#pages.next();
    return done ? undefined : value;
  }
}

/** The pages of a folder. `onlyFolders` is what `allow-traverse` grants. */
export async function* pagesOf(
  source: { objects: ObjectStore; folders: FolderMap; target: Target; first: EntryPage | undefined },
  onlyFolders: boolean,
): AsyncGenerator<readonly NamedEntry[]> {
  const virtual = source.folders.virtualEntriesOf(source.target.path);
  if (virtual.length > 0) yield virtual.map((name) => ({ name, ...virtualFolderEntry }));
  let page = source.first;
  while (page) {
    const visible = page.entries.filter(
      (entry) => !virtual.includes(entry.name) && (!onlyFolders || entry.type === "directory"),
    );
    if (visible.length > 0) yield visible;
    page = page.next === undefined ? undefined : await nextPage(source, page.next);
  }
}

function nextPage({ objects, target }: { objects: ObjectStore; target: Target }, after: string): Promise<EntryPage> {
  return objects.list(target.objectKey, { after, limit: limits.listingPageEntries });
}

/** A folder that exists by configuration, whatever the store holds. */
export const virtualFolderEntry = { type: "directory", size: 0, modifiedAtMs: 0, etag: "" } as const;
