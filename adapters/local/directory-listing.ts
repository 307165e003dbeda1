import * as fs from "node:fs";
import { FileError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import { compareByBytes, isObjectName, listingPosition } from "../../core/object-key.ts";
import type { EntryPage, NamedEntry } from "../../ports/object-store.ts";
import { call, lookUp } from "./directory-calls.ts";
import { entryOf } from "./directory-entry.ts";
import { toFileError } from "./directory-errors.ts";
import type { Folder } from "./directory-folder.ts";

interface Snapshot {
  /** Which folder, in which state. */
  readonly version: string;
  /** Where they stand in a listing, sorted. */
  readonly positions: readonly string[];
}

/** File systems note times in steps of up to two seconds; a folder at rest for longer shows every change. */
const restMs = 2000;
const namesReadAtOnce = 1024;

/**
 * Lists folders page by page. The names of a folder of several pages are kept from one page to the next, as long as
 * the folder itself says that nothing came or went, so a large folder is read and sorted once.
 */
export class FolderListings {
  readonly #snapshots = new Map<string, Snapshot>();
  #keptNames = 0;

  /** The entries behind the position `after`, at most `limit`. */
  async page(folder: Folder, { after, limit }: { after?: string | undefined; limit: number }): Promise<EntryPage> {
    const stats = folder.stats();
    const identity = `${stats.dev}.${stats.ino}`;
    const version = `${stats.mtimeNs}.${stats.ctimeNs}`;
    const positions = this.#kept(identity, version) ?? (await sortedPositions(folder));
    const start = after === undefined ? 0 : firstBehind(positions, after);
    const shown = positions.slice(start, start + limit);
    const isLast = start + limit >= positions.length;
    const isAtRest = Date.now() - Number(stats.mtimeMs) > restMs;
    this.#forget(identity);
    if (!isLast && isAtRest) this.#keep(identity, { version, positions });
    return { entries: await entriesOf(folder, shown), next: isLast ? undefined : shown.at(-1) };
  }

  #kept(identity: string, version: string): readonly string[] | undefined {
    const snapshot = this.#snapshots.get(identity);
    return snapshot?.version === version ? snapshot.positions : undefined;
  }

  #keep(identity: string, snapshot: Snapshot): void {
    this.#snapshots.set(identity, snapshot);
    this.#keptNames += snapshot.positions.length;
    for (const oldest of this.#snapshots.keys()) {
      if (this.#keptNames <= limits.directoryEntries) break;
      this.#forget(oldest);
    }
  }

  #forget(identity: string): void {
    this.#keptNames -= this.#snapshots.get(identity)?.positions.length ?? 0;
    this.#snapshots.delete(identity);
  }
}

/** Names that no objectKey can have (they may come from programs on this machine) are left out. */
async function sortedPositions(folder: Folder): Promise<readonly string[]> {
  const positions: string[] = [];
  const options = { bufferSize: namesReadAtOnce };
  const directory = await call<fs.Dir>((done) => fs.opendir(folder.path, options, done));
  try {
    for await (const entry of directory) {
      const type = entry.isDirectory() ? "directory" : "file";
      if (isObjectName(entry.name)) positions.push(listingPosition({ name: entry.name, type }));
      if (positions.length > limits.directoryEntries) {
        throw new FileError("too-large", `the folder has more than ${limits.directoryEntries} entries`);
      }
    }
  } catch (error) {
    throw toFileError(error);
  }
  // Names that are not valid UTF-8 may look alike once they are text.
  return positions.sort(compareByBytes).filter((position, index) => position !== positions[index - 1]);
}

/** The index of the first position behind `after`. */
function firstBehind(positions: readonly string[], after: string): number {
  let low = 0;
  let high = positions.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareByBytes(positions[middle] ?? "", after) <= 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

async function entriesOf(folder: Folder, positions: readonly string[]): Promise<readonly NamedEntry[]> {
  const entries: (NamedEntry | undefined)[] = [];
  const pending = positions.entries();
  const readOn = async () => {
    for (const [index, position] of pending) entries[index] = await namedEntry(folder, position.replace(/\/$/, ""));
  };
  // All of them have to end before the folder is closed, also when one fails.
  const results = await Promise.allSettled(Array.from({ length: limits.entriesReadAtOnce }, readOn));
  for (const result of results) if (result.status === "rejected") throw result.reason;
  return entries.filter((entry) => entry !== undefined);
}

/** Undefined for what is gone meanwhile, and for a name that is not valid UTF-8: read as text, nothing has it. */
async function namedEntry(folder: Folder, name: string): Promise<NamedEntry | undefined> {
  const stats = await lookUp(folder.at(name));
  const entry = stats && entryOf(stats);
  return entry && { name, ...entry };
}
