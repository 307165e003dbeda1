import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SqliteConfigurationStore } from "../../../adapters/local/configuration/configuration-store.ts";
import { ManagedConfiguration } from "../../../adapters/local/configuration/managed-configuration.ts";
import { ConfigurationDatabase } from "../../../adapters/local/sqlite-configuration.ts";
import { fileProvisions } from "../../../adapters/node/configuration/entry-checks.ts";
import { loadConfiguration } from "../../../adapters/node/configuration/load-configuration.ts";
import { configurationStoreContract } from "../../contract/configuration-store.contract.ts";
import { createMemoryRuntime } from "../../support/memory-ports.ts";

configurationStoreContract("the entries in a SQLite file", async () => {
  const directory = await mkdtemp(join(tmpdir(), "ferrygate-test-"));
  const databases: ConfigurationDatabase[] = [];
  const open = () => {
    const database = new ConfigurationDatabase(join(directory, "configuration.sqlite"));
    databases.push(database);
    return database;
  };
  const file = join(directory, "ferrygate.yaml");
  await writeFile(file, "accounts: []\n");
  const loaded = loadConfiguration(file);
  if (!loaded.ok) throw new Error("the empty configuration is good");
  const runtime = createMemoryRuntime();
  const describe = () => {
    throw new Error("the file changes nothing");
  };
  return {
    store: new ManagedConfiguration({ loaded, database: open(), runtime, describe }).store,
    another: async () => {
      const provisions = () => fileProvisions(loaded.configuration);
      const surroundings = { now: () => runtime.now(), accounts: () => () => undefined, provisions, changed: () => {} };
      return new SqliteConfigurationStore(open(), surroundings);
    },
    hasMail: false,
    dispose: async () => {
      for (const database of databases) database.close();
      await rm(directory, { recursive: true });
    },
  };
});
