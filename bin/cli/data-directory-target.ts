import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { SqliteConfigurationStore } from "../../adapters/local/configuration/configuration-store.ts";
import { createSqliteAccountingLog } from "../../adapters/local/sqlite-accounting-log.ts";
import { ConfigurationDatabase } from "../../adapters/local/sqlite-configuration.ts";
import type { Provisions } from "../../adapters/node/configuration/entry-checks.ts";
import { createLog } from "../../adapters/node/log.ts";
import { createRuntime } from "../../adapters/node/runtime.ts";
import type { ConfigurationStore } from "../../ports/configuration-store.ts";
import { ChangeRecorder } from "../../service/management/record-changes.ts";
import type { ConfigurationTarget } from "./configuration-target.ts";
import { storeTarget } from "./store-target.ts";

export interface DataDirectoryOptions {
  /** How the events name the server. */
  readonly serverName: string;
  /** Of the configuration file that is to be in force. */
  readonly provisions: Provisions;
  readonly forReading: boolean;
}

/**
 * The store of a data directory. A server that runs on it takes changes within limits.configurationCheckMs. Their
 * events are on record when `close` resolves.
 */
export async function openDataDirectory(
  dataDirectory: string,
  { serverName, provisions, forReading }: DataDirectoryOptions,
): Promise<ConfigurationTarget> {
  const file = databaseIn(dataDirectory);
  if (!forReading) await mkdir(dataDirectory, { recursive: true, mode: 0o700 });
  const database = new ConfigurationDatabase(forReading && !existsSync(file) ? ":memory:" : file);
  const runtime = createRuntime({ log: createLog({ stream: process.stderr }) });
  const store = new SqliteConfigurationStore(database, {
    now: () => runtime.now(),
    accounts: () => () => undefined,
    provisions: () => provisions,
    changed: () => {},
  });
  const close = async () => {
    if (!forReading) await recordChanges(store, dataDirectory);
    database.close();
  };
  return storeTarget({ name: dataDirectory, store, provisions, runtime, serverName, close });
}

/** Whether a server, or an earlier `apply`, has left a configuration there. */
export function hasConfiguration(dataDirectory: string): boolean {
  return existsSync(databaseIn(dataDirectory));
}

function databaseIn(dataDirectory: string): string {
  return join(dataDirectory, "configuration.sqlite");
}

async function recordChanges(store: ConfigurationStore, dataDirectory: string): Promise<void> {
  const accounting = await createSqliteAccountingLog({ file: join(dataDirectory, "accounting.sqlite") });
  await new ChangeRecorder(store, accounting).record();
  await accounting.close();
}
