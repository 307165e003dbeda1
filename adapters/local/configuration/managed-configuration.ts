import type { Account } from "../../../core/account.ts";
import type { AccountingEvent } from "../../../core/accounting-event.ts";
import { limits } from "../../../core/limits.ts";
import type { ConfigurationStore, EntryOutcome } from "../../../ports/configuration-store.ts";
import type { Runtime } from "../../../ports/runtime.ts";
import { type Configuration, formatProblem } from "../../node/configuration/configuration.ts";
import {
  type ConfigurationAccounts,
  createConfigurationAccounts,
  type GoodConfiguration,
} from "../../node/configuration/configuration-accounts.ts";
import { entryNouns, fileProvisions } from "../../node/configuration/entry-checks.ts";
import { entryOf } from "../../node/configuration/entry-row.ts";
import { type LoopInForce, loopsInForce, unmetNeeds } from "../../node/configuration/entry-rules.ts";
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
  /** A version of the file that is good by itself, and not beside what the API changed. */
  #conflicting: GoodConfiguration | undefined;
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
      provisions: () => fileProvisions(this.#fileInForce),
      changed: () => this.#takeUp(),
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
    if (version !== this.#foreignVersion) this.#takeUp();
    this.#foreignVersion = version;
    return this.#inForce;
  }

  async find(name: string): Promise<Account | undefined> {
    return this.current().accounts.get(name);
  }

  /** Where the store cannot be written, the last good configuration stays in force and the next look tries again. */
  #reseed(changed: GoodConfiguration): void {
    this.#unseeded = undefined;
    this.#conflicting = undefined;
    const { log } = this.#options.runtime;
    try {
      this.#seed(changed);
    } catch (error) {
      if (error instanceof FileConflict) {
        this.#conflicting = changed;
        const { problems } = error;
        log.error("the changed configuration has problems; the last good one stays in force", { problems });
      } else {
        this.#unseeded = changed;
        log.error("the changed configuration could not be stored", { error: `${error}` });
      }
      return;
    }
    this.#fileInForce = changed.configuration;
    this.#adopt();
  }

  /** The store was changed, perhaps so that a file fits that did not. */
  #takeUp(): void {
    this.#adopt();
    if (this.#conflicting) this.#reseed(this.#conflicting);
  }

  #adopt(): void {
    this.#inForce = this.#merged(this.#fileInForce);
    this.#options.onChange?.(this.#inForce);
  }

  /** @throws FileConflict */
  #seed(loaded: GoodConfiguration): void {
    const { entries, configuration } = loaded;
    const { database, runtime, describe } = this.#options;
    const modified = new Date(runtime.now()).toISOString();
    database.transaction(() => {
      const { isFirst, outcomes } = seedEntries(database, entries, modified);
      this.#checkLoops(loaded);
      // What the first file says is no change: nothing was in force before.
      for (const event of isFirst ? [] : outcomes.map(describe)) database.keepEvent(event.id, JSON.stringify(event));
      return { keep: true };
    });
    const unmet = unmetNeeds(database, fileProvisions(configuration), database.overrides().map(entryOf));
    if (unmet.length > 0) {
      runtime.log.warn("the configuration file lacks what changes of the API refer to", { references: unmet });
    }
  }

  /** Those that the API's entries make among themselves were there before the file. @throws FileConflict */
  #checkLoops(loaded: GoodConfiguration): void {
    const loops = loopsInForce(this.#options.database);
    const problems = loops.flatMap((loop) => fileProblem(loaded, loop) ?? []);
    if (problems.length > 0) throw new FileConflict(problems);
    if (loops.length === 0) return;
    this.#options.runtime.log.error("changes of the API let files go round", {
      loops: loops.map(({ message }) => message),
    });
  }

  #merged(file: Configuration): Configuration {
    const { database } = this.#options;
    return this.#merger.merge(file, { changed: database.overrides(), removed: database.removals() });
  }
}

/** The file is good by itself, and not beside what the API changed. */
class FileConflict extends Error {
  readonly problems: readonly string[];

  /** @param problems as `formatProblem` writes them */
  constructor(problems: readonly string[]) {
    super(problems.join("\n"));
    this.problems = problems;
  }
}

/** The loop at its place in the file; undefined where the file has none of its ends. */
function fileProblem({ configuration, entries }: GoodConfiguration, { message, ends }: LoopInForce) {
  const own = ends.find(({ seeded }) => seeded);
  const place = own && entries.find(({ kind, name }) => kind === own.kind && name === own.name);
  if (!place) return undefined;
  const others = ends.filter(({ seeded }) => !seeded);
  const origins = others.map(({ kind }) => `; the ${entryNouns[kind]} is one of the management API`);
  const { line, column } = place;
  return formatProblem({ file: configuration.file, line, column, message: `${message}${origins.join("")}` });
}
