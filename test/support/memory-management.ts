import { SqliteConfigurationStore } from "../../adapters/local/configuration/configuration-store.ts";
import { ConfigurationDatabase } from "../../adapters/local/sqlite-configuration.ts";
import { fileProvisions } from "../../adapters/node/configuration/entry-checks.ts";
import type { Account } from "../../core/account.ts";
import { Management } from "../../service/management/management.ts";
import { ChangeRecorder } from "../../service/management/record-changes.ts";
import type { MemoryServices } from "./memory-ports.ts";

/** Management over a store in memory. The accounts that log in are `accounts`, whatever the store holds. */
export function createMemoryManagement(services: MemoryServices, accounts: readonly Account[]): Management {
  const { runtime, accounting, passwords } = services;
  const store = new SqliteConfigurationStore(new ConfigurationDatabase(":memory:"), {
    now: () => runtime.now(),
    accounts: () => (name) => accounts.find((account) => account.name === name),
    provisions: () => fileProvisions({ pgpKeys: [] }),
    changed: () => {},
  });
  return new Management({ store, passwords, runtime, recorder: new ChangeRecorder(store, accounting) });
}
