import type { AccountingEvent } from "../../core/accounting-event.ts";
import type { EntryKind } from "../../core/configuration-entry.ts";
import { FileError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import type {
  AcceptChange,
  ConfigurationEntry,
  ConfigurationStore,
  EntryChange,
  EntryOutcome,
  EntryPage,
} from "../../ports/configuration-store.ts";
import type { Log } from "../../ports/runtime.ts";
import type { Provisions } from "../node/configuration/entry-checks.ts";
import { type EntryName, type EntryRow, entryOf } from "../node/configuration/entry-row.ts";
import { checkChange } from "../node/configuration/entry-rules.ts";
import { ConfigurationMerger, type ManagedParts } from "../node/configuration/merged-configuration.ts";
import {
  ConfigurationSnapshot,
  changeEventsPartition,
  changeWrites,
  entryPlace,
  kindPartition,
  rowOf,
  versionText,
} from "./dynamo-configuration-entries.ts";
import type { DynamoTable, Write } from "./dynamo-table.ts";
import { stageProvisions } from "./stage-provisions.ts";

export interface DynamoConfigurationOptions {
  readonly table: DynamoTable;
  readonly log: Pick<Log, "error">;
  /** The kinds that `current` needs, all of them by default; what is not read costs nothing. */
  readonly kinds?: readonly EntryKind[] | undefined;
  /** What entries find besides each other. @default those of a stage without keys of OpenPGP and a scanner */
  readonly provisions?: Provisions | undefined;
}

/** The accounts, groups and rules in force, and what changes them. */
export interface DynamoConfiguration {
  readonly store: ConfigurationStore;
  /** What is in force at this moment. One read where nothing changed since the last call. */
  current(): Promise<ManagedParts>;
}

/**
 * The managed configuration in DynamoDB. Every change makes the next version of the whole in one transaction, together
 * with its entry and its event; it is checked against the version before, so that references, room and preconditions
 * hold however many change things at once.
 */
export function createDynamoConfiguration(options: DynamoConfigurationOptions): DynamoConfiguration {
  const { table, log, kinds, provisions = stageProvisions({}) } = options;
  const report = ({ kind, name }: EntryName, message: string) =>
    log.error("an entry of the configuration cannot be used", { kind, name, message });
  const snapshot = new ConfigurationSnapshot(table, kinds);
  const merger = new ConfigurationMerger(report);
  let merged: { readonly version: number | undefined; readonly parts: ManagedParts } | undefined;
  return {
    store: new DynamoConfigurationStore({ table, provisions, report }),
    current: async () => {
      await snapshot.refresh();
      const { version } = snapshot;
      if (merged?.version !== version) {
        merged = { version, parts: merger.merge(noParts, { changed: snapshot.rowsWith(), removed: [] }) };
      }
      return merged?.parts ?? noParts;
    },
  };
}

const noParts: ManagedParts = {
  accounts: new Map(),
  groups: new Map(),
  destinations: [],
  dispatch: [],
  pulls: [],
  alerts: [],
};

interface StoreParts {
  readonly table: DynamoTable;
  readonly provisions: Provisions;
  readonly report: (entry: EntryName, message: string) => void;
}

class DynamoConfigurationStore implements ConfigurationStore {
  readonly #table: DynamoTable;
  readonly #provisions: Provisions;
  readonly #snapshot: ConfigurationSnapshot;
  readonly #merger: ConfigurationMerger;

  constructor({ table, provisions, report }: StoreParts) {
    this.#table = table;
    this.#provisions = provisions;
    this.#snapshot = new ConfigurationSnapshot(table);
    this.#merger = new ConfigurationMerger(report);
  }

  async list(kind: EntryKind, { limit, after }: { limit: number; after?: string | undefined }): Promise<EntryPage> {
    const items = await this.#table.all({ partition: kindPartition(kind), after, limit: limit + 1 });
    const entries = items.slice(0, limit).map((item) => entryOf(rowOf(kind, item)));
    return { entries, next: items.length > limit ? entries.at(-1)?.name : undefined };
  }

  async find(kind: EntryKind, name: string): Promise<ConfigurationEntry | undefined> {
    const item = await this.#table.get(entryPlace({ kind, name }));
    return item && entryOf(rowOf(kind, item));
  }

  /** What the change asks is asked again when another change comes in between; only one of the answers counts. */
  async change(change: EntryChange, accept: AcceptChange): Promise<EntryOutcome> {
    for (let attempt = 0; attempt < limits.dynamoTransactionTries; attempt += 1) {
      await this.#snapshot.refresh();
      const outcome = await this.#try(change, accept);
      if (outcome) return outcome;
    }
    throw new FileError("unavailable", "the configuration is being changed by others");
  }

  async unrecordedEvents(): Promise<readonly AccountingEvent[]> {
    const items = await this.#table.all({ partition: changeEventsPartition });
    return items.map(({ json }): AccountingEvent => JSON.parse(String(json)));
  }

  async eventsRecorded(eventIds: readonly string[]): Promise<void> {
    const items = await this.#table.all({ partition: changeEventsPartition });
    const recorded = items.filter(({ eventId }) => eventIds.includes(String(eventId)));
    await this.#table.writeMany(recorded.map(({ pk, sk }) => ({ remove: { pk, sk } })));
  }

  /** Undefined when another change was faster. */
  async #try(change: EntryChange, accept: AcceptChange): Promise<EntryOutcome | undefined> {
    const { kind, name, dryRun } = change;
    const version = this.#snapshot.version ?? 0;
    const { before, value } = checkChange(this.#snapshot, this.#provisions, change);
    const row = value === undefined ? undefined : this.#rowAfter({ kind, name }, value, before);
    const outcome = { before: before && entryOf(before), after: row && entryOf(row) };
    if (value === before?.value) return outcome;
    const changed = { entry: { kind, name }, row };
    const event = accept(outcome, this.#accountsWith(changed));
    if (dryRun) return outcome;
    const kept: Write = {
      put: { pk: changeEventsPartition, sk: versionText(version + 1), eventId: event.id, json: JSON.stringify(event) },
    };
    const isMade = await this.#table.transact([...changeWrites(this.#table, version, changed), kept]);
    return isMade ? outcome : undefined;
  }

  #rowAfter(entry: EntryName, value: string, before: EntryRow | undefined): EntryRow {
    const isSame = value === before?.value;
    return isSame ? before : { ...entry, value, modified: new Date(this.#table.now()).toISOString(), seeded: false };
  }

  /** Built when it is asked for: most changes are accepted without a look at the accounts. */
  #accountsWith(changed: {
    readonly entry: EntryName;
    readonly row: EntryRow | undefined;
  }): Parameters<AcceptChange>[1] {
    let parts: ManagedParts | undefined;
    return (name) => {
      parts ??= this.#merger.merge(noParts, { changed: this.#snapshot.rowsWith(changed), removed: [] });
      return parts.accounts.get(name);
    };
  }
}
