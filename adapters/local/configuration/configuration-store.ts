import type { Account } from "../../../core/account.ts";
import type { AccountingEvent } from "../../../core/accounting-event.ts";
import type { EntryKind } from "../../../core/configuration-entry.ts";
import { FileError } from "../../../core/errors.ts";
import type {
  AcceptChange,
  ConfigurationEntry,
  ConfigurationStore,
  EntryChange,
  EntryOutcome,
  EntryPage,
} from "../../../ports/configuration-store.ts";
import type { Provisions } from "../../node/configuration/entry-checks.ts";
import { entryOf } from "../../node/configuration/entry-row.ts";
import { checkChange } from "../../node/configuration/entry-rules.ts";
import type { ConfigurationDatabase } from "../sqlite-configuration.ts";

/** What a store needs of the configuration that stands on it. */
export interface StoreSurroundings {
  now(): number;
  /** The accounts as the database has them at this moment, within a transaction too. */
  accounts(): (name: string) => Account | undefined;
  /** What entries need of the configuration file. */
  provisions(): Provisions;
  /** A change is durable. */
  changed(): void;
}

/** The entries of a database, checked as those of a configuration file are. */
export class SqliteConfigurationStore implements ConfigurationStore {
  readonly #database: ConfigurationDatabase;
  readonly #surroundings: StoreSurroundings;

  constructor(database: ConfigurationDatabase, surroundings: StoreSurroundings) {
    this.#database = database;
    this.#surroundings = surroundings;
  }

  async list(kind: EntryKind, { limit, after }: { limit: number; after?: string | undefined }): Promise<EntryPage> {
    const rows = available(() => this.#database.list(kind, { after, limit: limit + 1 }));
    const entries = rows.slice(0, limit).map(entryOf);
    return { entries, next: rows.length > limit ? entries.at(-1)?.name : undefined };
  }

  async find(kind: EntryKind, name: string): Promise<ConfigurationEntry | undefined> {
    const row = available(() => this.#database.find({ kind, name }));
    return row && entryOf(row);
  }

  async change(change: EntryChange, accept: AcceptChange): Promise<EntryOutcome> {
    const { keep, outcome } = available(() => this.#transaction(change, accept));
    if (keep) this.#surroundings.changed();
    return outcome;
  }

  #transaction(change: EntryChange, accept: AcceptChange): { keep: boolean; outcome: EntryOutcome } {
    return this.#database.transaction(() => {
      const tried = this.#try(change);
      const hasEffect = tried.before?.etag !== tried.after?.etag;
      if (hasEffect) {
        const event = accept(tried, this.#surroundings.accounts());
        this.#database.keepEvent(event.id, JSON.stringify(event));
      }
      return { keep: hasEffect && !change.dryRun, outcome: tried };
    });
  }

  async unrecordedEvents(): Promise<readonly AccountingEvent[]> {
    return available(() => this.#database.events()).map((json): AccountingEvent => JSON.parse(json));
  }

  async eventsRecorded(eventIds: readonly string[]): Promise<void> {
    for (const id of eventIds) available(() => this.#database.removeEvent(id));
  }

  /** Checks the change and makes it in the open transaction. */
  #try(change: EntryChange): EntryOutcome {
    const { kind, name } = change;
    const { before, value } = checkChange(this.#database, this.#surroundings.provisions(), change);
    if (value === undefined) this.#database.remove(change);
    else if (value !== before?.value) {
      this.#database.write({ kind, name, value }, new Date(this.#surroundings.now()).toISOString());
    }
    const after = this.#database.find(change);
    return { before: before && entryOf(before), after: after && entryOf(after) };
  }
}

/** @throws FileError `unavailable` with the reason as its cause, when the database cannot be used. */
function available<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ERR_SQLITE_ERROR") throw error;
    throw new FileError("unavailable", "the configuration store cannot be used at the moment", { cause: error });
  }
}
