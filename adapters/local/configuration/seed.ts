import type { EntryOutcome } from "../../../ports/configuration-store.ts";
import { type EntryName, type EntryText, entryOf } from "../../node/configuration/entry-row.ts";
import type { FileEntry } from "../../node/configuration/load-configuration.ts";
import type { ConfigurationDatabase } from "../sqlite-configuration.ts";

/** What a version of the configuration file did to the entries in force. */
export interface Seeding {
  /** True when the store had never met a file before. */
  readonly isFirst: boolean;
  readonly outcomes: readonly EntryOutcome[];
}

/**
 * Brings the entries of a configuration file into the store, each held against what the file said when it was last
 * read: what the file changed overrides, what it left alone keeps what became of it meanwhile, and what it no longer
 * has is removed, unless the file never had it. Runs inside a transaction of the caller.
 * @param modified ISO 8601
 */
export function seedEntries(database: ConfigurationDatabase, entries: readonly FileEntry[], modified: string): Seeding {
  const seeds = new Map(database.seeds().map((seed) => [idOf(seed), seed]));
  const isFirst = database.seededAt() === undefined;
  database.markSeeded(modified);
  const outcomes: EntryOutcome[] = [];
  for (const { kind, name, value } of entries) {
    const text: EntryText = { kind, name, value: JSON.stringify(value) };
    const seed = seeds.get(idOf(text));
    seeds.delete(idOf(text));
    if (seed?.value !== text.value) outcomes.push(...override(database, text, modified));
  }
  for (const seed of seeds.values()) outcomes.push(...withdraw(database, seed));
  return { isFirst, outcomes };
}

function override(database: ConfigurationDatabase, text: EntryText, modified: string): EntryOutcome[] {
  const before = database.find(text);
  database.writeSeed(text);
  if (before?.value === text.value) return [];
  database.write(text, modified);
  return [{ before: before && entryOf(before), after: entryOf({ ...text, modified, seeded: true }) }];
}

function withdraw(database: ConfigurationDatabase, seed: EntryName): EntryOutcome[] {
  const before = database.find(seed);
  database.removeSeed(seed);
  if (!before) return [];
  database.remove(seed);
  return [{ before: entryOf(before), after: undefined }];
}

function idOf({ kind, name }: EntryName): string {
  return `${kind} ${name}`;
}
