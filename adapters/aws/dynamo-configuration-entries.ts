import { type EntryKind, entryKinds, type JsonValue } from "../../core/configuration-entry.ts";
import { limits } from "../../core/limits.ts";
import type { EntryName, EntryRow } from "../node/configuration/entry-row.ts";
import type { EntryRows } from "../node/configuration/entry-rules.ts";
import type { Item, Place } from "./dynamo-expressions.ts";
import type { DynamoTable, Write } from "./dynamo-table.ts";
import { partitions } from "./env.ts";

const versionDigits = 15;
const statePlace: Place = { pk: `${partitions.configuration}state`, sk: "version" };
const changesPartition = `${partitions.configuration}changes`;

/** The events of changes, each under the version that its change made. */
export const changeEventsPartition = `${partitions.configuration}events`;

/** A version of the configuration as a sort attribute. */
export function versionText(version: number): string {
  return String(version).padStart(versionDigits, "0");
}

export function kindPartition(kind: EntryKind): string {
  return `${partitions.configuration}${kind}`;
}

export function entryPlace({ kind, name }: EntryName): Place {
  return { pk: kindPartition(kind), sk: name };
}

export function rowOf(kind: EntryKind, { sk, value, modified }: Item): EntryRow {
  return { kind, name: sk, value: String(value), modified: String(modified), seeded: false };
}

/**
 * The writes that make one change: the entry, the next version, and what changed in it, for those who have the version
 * before. They fail when the configuration is no longer of that version.
 */
export function changeWrites(
  table: DynamoTable,
  version: number,
  { entry, row }: { readonly entry: EntryName; readonly row: EntryRow | undefined },
): readonly Write[] {
  const condition =
    version === 0
      ? { expression: "attribute_not_exists(#pk)" }
      : { expression: "#version = :version", values: { version } };
  const expiresAt = table.expiryAt(table.now() + limits.configurationChangesMs);
  const change = { pk: changesPartition, sk: versionText(version + 1), kind: entry.kind, name: entry.name, expiresAt };
  return [
    { put: { ...statePlace, version: version + 1 }, condition },
    row ? { put: { ...entryPlace(row), value: row.value, modified: row.modified } } : { remove: entryPlace(entry) },
    { put: change },
  ];
}

/** The entries of some kinds as this process knows them; {@link refresh} brings them up to date. */
export class ConfigurationSnapshot implements EntryRows {
  readonly #table: DynamoTable;
  readonly #kinds: readonly EntryKind[];
  #rows = new Map<EntryKind, Map<string, EntryRow>>();
  #version: number | undefined;
  #refreshing: Promise<void> | undefined;

  constructor(table: DynamoTable, kinds: readonly EntryKind[] = entryKinds) {
    this.#table = table;
    this.#kinds = kinds;
  }

  /** How many changes made what is known; undefined as long as nothing is. */
  get version(): number | undefined {
    return this.#version;
  }

  /** Afterwards every change is known that was made before the call. One read where nothing changed. */
  async refresh(): Promise<void> {
    // What is under way may have looked before the change that the caller is after.
    await this.#refreshing?.catch(() => {});
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = undefined;
    });
    await this.#refreshing;
  }

  find({ kind, name }: EntryName): EntryRow | undefined {
    return this.#rows.get(kind)?.get(name);
  }

  list(kind: EntryKind, { limit }: { readonly limit: number }): readonly EntryRow[] {
    const rows = [...(this.#rows.get(kind)?.values() ?? [])];
    return rows.sort((a, b) => (a.name < b.name ? -1 : 1)).slice(0, limit);
  }

  count(kind: EntryKind): number {
    return this.#rows.get(kind)?.size ?? 0;
  }

  accountsOfGroup(groupName: string, limit: number): readonly string[] {
    const hasGroup = ({ value }: EntryRow) => {
      const { groups }: { groups?: JsonValue } = JSON.parse(value);
      return Array.isArray(groups) && groups.includes(groupName);
    };
    const names = [...(this.#rows.get("account")?.values() ?? [])].filter(hasGroup).map(({ name }) => name);
    return names.sort().slice(0, limit);
  }

  /** Every entry, with `changed` in the place of what has its name. */
  rowsWith(changed?: { readonly entry: EntryName; readonly row: EntryRow | undefined }): readonly EntryRow[] {
    const rows = this.#kinds.flatMap((kind) => this.list(kind, { limit: Number.POSITIVE_INFINITY }));
    if (changed === undefined) return rows;
    const { entry, row } = changed;
    const others = rows.filter(({ kind, name }) => kind !== entry.kind || name !== entry.name);
    return row ? [...others, row] : others;
  }

  async #refresh(): Promise<void> {
    const version = Number((await this.#table.get(statePlace))?.version ?? 0);
    if (version === this.#version) return;
    const changed = this.#version === undefined ? undefined : await this.#changedBetween(this.#version, version);
    if (changed === undefined) await this.#readAll();
    else await this.#readAgain(changed);
    this.#version = version;
  }

  /** What the versions behind `known` changed; undefined where that is no longer known, or too much. */
  async #changedBetween(known: number, version: number): Promise<readonly EntryName[] | undefined> {
    const count = version - known;
    if (count < 0 || count > limits.configurationChanges) return undefined;
    const between = [versionText(known + 1), versionText(version)] as const;
    const changes = await this.#table.all({ partition: changesPartition, between });
    if (changes.length !== count) return undefined;
    return changes.map(({ kind, name }) => ({ kind: kind as EntryKind, name: String(name) }));
  }

  async #readAgain(changed: readonly EntryName[]): Promise<void> {
    const wanted = changed.filter(({ kind }) => this.#kinds.includes(kind));
    const places = new Map(wanted.map((entry) => [`${entry.kind} ${entry.name}`, entryPlace(entry)]));
    const items = await this.#table.getMany([...places.values()]);
    for (const { kind, name } of wanted) {
      const item = items.find(({ pk, sk }) => pk === kindPartition(kind) && sk === name);
      if (item) this.#ofKind(kind).set(name, rowOf(kind, item));
      else this.#ofKind(kind).delete(name);
    }
  }

  async #readAll(): Promise<void> {
    const read = await Promise.all(
      this.#kinds.map(async (kind): Promise<[EntryKind, Map<string, EntryRow>]> => {
        const items = await this.#table.all({ partition: kindPartition(kind) });
        return [kind, new Map(items.map((item) => [item.sk, rowOf(kind, item)]))];
      }),
    );
    this.#rows = new Map(read);
  }

  #ofKind(kind: EntryKind): Map<string, EntryRow> {
    const rows = this.#rows.get(kind) ?? new Map<string, EntryRow>();
    this.#rows.set(kind, rows);
    return rows;
  }
}
