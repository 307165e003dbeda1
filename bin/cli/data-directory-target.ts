import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { userInfo } from "node:os";
import { join } from "node:path";
import { SqliteConfigurationStore } from "../../adapters/local/configuration/configuration-store.ts";
import { createSqliteAccountingLog } from "../../adapters/local/sqlite-accounting-log.ts";
import { ConfigurationDatabase } from "../../adapters/local/sqlite-configuration.ts";
import { createLog } from "../../adapters/node/log.ts";
import { createRuntime } from "../../adapters/node/runtime.ts";
import type { AccountingEvent } from "../../core/accounting-event.ts";
import { type EntryKind, entryChanges } from "../../core/configuration-entry.ts";
import { limits } from "../../core/limits.ts";
import type { ConfigurationStore, EntryOutcome } from "../../ports/configuration-store.ts";
import { changeContent } from "../../service/management/change-event.ts";
import { ChangeRecorder } from "../../service/management/record-changes.ts";
import { composeEvent } from "../../service/session/recorder.ts";
import type { ConfigurationTarget, TargetEntry } from "./configuration-target.ts";

/**
 * The store of a data directory. A server that runs on it takes changes within limits.configurationCheckMs. Their
 * events are on record when `close` resolves.
 * @param serverName how the events name the server
 */
export async function openDataDirectory(
  dataDirectory: string,
  { serverName, forReading }: { serverName: string; forReading: boolean },
): Promise<ConfigurationTarget> {
  const file = join(dataDirectory, "configuration.sqlite");
  if (!forReading) await mkdir(dataDirectory, { recursive: true, mode: 0o700 });
  const database = new ConfigurationDatabase(forReading && !existsSync(file) ? ":memory:" : file);
  const runtime = createRuntime({ log: createLog({ stream: process.stderr }) });
  const store = new SqliteConfigurationStore(database, {
    now: () => runtime.now(),
    accounts: () => () => undefined,
    changed: () => {},
  });
  const eventOf = (outcome: EntryOutcome) =>
    composeEvent({ runtime, serverName }, { protocol: "system" }, content(outcome));
  return {
    name: dataDirectory,
    entries: (kind) => allEntries(store, kind),
    changes: async (kind, current, wanted) => entryChanges(kind, current.value, wanted.value),
    put: (kind, { name, value }) => change(store, { kind, name, valueFrom: () => value }, eventOf),
    remove: (kind, name) => change(store, { kind, name, valueFrom: () => undefined }, eventOf),
    close: async () => {
      if (!forReading) await recordChanges(store, dataDirectory);
      database.close();
    },
  };
}

function content(outcome: EntryOutcome) {
  const { data, ...rest } = changeContent(outcome, "apply");
  return { ...rest, data: { ...data, user: userInfo().username } };
}

async function allEntries(store: ConfigurationStore, kind: EntryKind): Promise<TargetEntry[]> {
  const entries: TargetEntry[] = [];
  for (let after: string | undefined = ""; after !== undefined; ) {
    const page: Awaited<ReturnType<typeof store.list>> = await store.list(kind, {
      after,
      limit: limits.listingPageEntries,
    });
    entries.push(...page.entries);
    after = page.next;
  }
  return entries;
}

async function change(
  store: ConfigurationStore,
  { kind, name, valueFrom }: Pick<Parameters<ConfigurationStore["change"]>[0], "kind" | "name" | "valueFrom">,
  eventOf: (outcome: EntryOutcome) => AccountingEvent,
): Promise<void> {
  await store.change({ kind, name, valueFrom, precondition: {}, dryRun: false }, eventOf);
}

async function recordChanges(store: ConfigurationStore, dataDirectory: string): Promise<void> {
  const accounting = await createSqliteAccountingLog({ file: join(dataDirectory, "accounting.sqlite") });
  await new ChangeRecorder(store, accounting).record();
  await accounting.close();
}
