import type { Account } from "../../../core/account.ts";
import type { AccountingEvent } from "../../../core/accounting-event.ts";
import { limits } from "../../../core/limits.ts";
import type { ConfigurationStore, EntryOutcome } from "../../../ports/configuration-store.ts";
import type { Runtime } from "../../../ports/runtime.ts";
import type { Configuration } from "../../node/configuration/configuration.ts";
import {
  type ConfigurationAccounts,
  createConfigurationAccounts,
  type GoodConfiguration,
} from "../../node/configuration/configuration-accounts.ts";
import { entryOf } from "../../node/configuration/entry-row.ts";
import { danglingReferences } from "../../node/configuration/entry-rules.ts";
import { ConfigurationMerger } from "../../node/configuration/merged-configuration.ts";
import type { ConfigurationDatabase } from "../sqlite-configuration.ts";
import { SqliteConfigurationStore } from "./configuration-store.ts";
import { seedEntries } from "./seed.ts";

export interface ManagedConfigurationOptions {
  readonly loaded: GoodConfiguration;
  readonly database: ConfigurationDatabase;
  readonly runtime: Pick<Runtime, "now" | "log">;
  /** The event of a change that the file made. */
  readonly describe: (outcome: EntryOutcome) => AccountingEvent;
  /** Is told of each configuration that comes into force after the first. */
  readonly onChange?: (configuration: Configuration) => void;
}

/**
 * The configuration in force: the file's `server` and `mail`, and the accounts, groups and rules of the store, which
 * the file seeds. A change of the store is in force at once; one of the file, and one that another process makes,
 * within limits.configurationCheckMs.
 */
export class ManagedConfiguration implements ConfigurationAccounts {
  readonly store: ConfigurationStore;
  readonly #options: ManagedConfigurationOptions;
  readonly #file: ConfigurationAccounts;
  readonly #merger: ConfigurationMerger;
  #fileInForce: Configuration;
  #inForce: Configuration;
  /** A version of the file that is good and could not be brought into the store. */
  #unseeded: GoodConfiguration | undefined;
  #foreignVersion: unknown;
  #checkedAtMs: number;

  constructor(options: ManagedConfigurationOptions) {
    const { loaded, database, runtime } = options;
    this.#options = options;
    this.#merger = new ConfigurationMerger((entry, message) =>
      runtime.log.error("an entry of the configuration store cannot be used", {
        kind: entry.kind,
        name: entry.name,
        message,
      }),
    );
    this.#file = createConfigurationAccounts(loaded, runtime, (changed) => this.#reseed(changed));
    this.store = new SqliteConfigurationStore(database, {
      now: () => runtime.now(),
      accounts: () => {
        const { accounts } = this.#merged(this.#fileInForce);
        return (name) => accounts.get(name);
      },
      changed: () => this.#adopt(),
    });
    this.#seed(loaded);
    this.#fileInForce = loaded.configuration;
    this.#inForce = this.#merged(this.#fileInForce);
    this.#foreignVersion = database.foreignVersion();
    this.#checkedAtMs = runtime.now();
  }

  current(): Configuration {
    this.#file.current();
    const nowMs = this.#options.runtime.now();
    if (Math.abs(nowMs - this.#checkedAtMs) < limits.configurationCheckMs) return this.#inForce;
    this.#checkedAtMs = nowMs;
    if (this.#unseeded) this.#reseed(this.#unseeded);
    const version = this.#options.database.foreignVersion();
    if (version !== this.#foreignVersion) this.#adopt();
    this.#foreignVersion = version;
    return this.#inForce;
  }

  async find(name: string): Promise<Account | undefined> {
    return this.current().accounts.get(name);
  }

  /** Where the store cannot be written, the last good configuration stays in force and the next look tries again. */
  #reseed(changed: GoodConfiguration): void {
    try {
      this.#seed(changed);
    } catch (error) {
      this.#unseeded = changed;
      this.#options.runtime.log.error("the changed configuration could not be stored", { error: `${error}` });
      return;
    }
    this.#unseeded = undefined;
    this.#fileInForce = changed.configuration;
    this.#adopt();
  }

  #adopt(): void {
    this.#inForce = this.#merged(this.#fileInForce);
    this.#options.onChange?.(this.#inForce);
  }

  #seed({ entries }: GoodConfiguration): void {
    const { database, runtime, describe } = this.#options;
    const modified = new Date(runtime.now()).toISOString();
    database.transaction(() => {
      const { isFirst, outcomes } = seedEntries(database, entries, modified);
      // What the first file says is no change: nothing was in force before.
      for (const event of isFirst ? [] : outcomes.map(describe)) database.keepEvent(event.id, JSON.stringify(event));
      return { keep: true };
    });
    const dangling = danglingReferences(database, database.overrides().map(entryOf));
    if (dangling.length > 0) {
      runtime.log.warn("the configuration file lacks what changes of the API refer to", { references: dangling });
    }
  }

  #merged(file: Configuration): Configuration {
    const { database } = this.#options;
    return this.#merger.merge(file, { changed: database.overrides(), removed: database.removals() });
  }
}
