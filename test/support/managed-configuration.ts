import { ManagedConfiguration } from "../../adapters/local/configuration/managed-configuration.ts";
import { ConfigurationDatabase } from "../../adapters/local/sqlite-configuration.ts";
import type { Configuration } from "../../adapters/node/configuration/configuration.ts";
import { loadConfiguration } from "../../adapters/node/configuration/load-configuration.ts";
import type { AccountingEvent } from "../../core/accounting-event.ts";
import type { EntryKind, JsonObject } from "../../core/configuration-entry.ts";
import type { AcceptChange, EntryPrecondition } from "../../ports/configuration-store.ts";
import { changeContent } from "../../service/management/change-event.ts";
import { composeEvent } from "../../service/session/recorder.ts";
import { Workspace } from "../configuration/workspace.ts";
import { createMemoryRuntime, type MemoryRuntime } from "./memory-ports.ts";

/** A configuration file with a store beside it, on a clock that a test sets. */
export class ManagedWorkspace implements Disposable {
  readonly #workspace = new Workspace();
  readonly runtime: MemoryRuntime;
  readonly changes: Configuration[] = [];
  nowMs = Date.UTC(2026, 0, 1);
  #databases: ConfigurationDatabase[] = [];

  constructor() {
    this.runtime = { ...createMemoryRuntime(), now: () => this.nowMs };
  }

  get storeFile(): string {
    return `${this.#workspace.folder}/configuration.sqlite`;
  }

  write(text: string, name = "ferrygate.yaml"): string {
    return this.#workspace.write(name, text);
  }

  /** As a start of the server; several stand for starts one after the other, or for several processes. */
  open(text?: string): ManagedConfiguration {
    const file = text === undefined ? `${this.#workspace.folder}/ferrygate.yaml` : this.write(text);
    const loaded = loadConfiguration(file);
    if (!loaded.ok) throw new Error(loaded.problems.map(({ message }) => message).join("\n"));
    return new ManagedConfiguration({
      loaded,
      database: this.openDatabase(),
      runtime: this.runtime,
      describe: (outcome) => this.eventOf(outcome, "file"),
      onChange: (configuration) => this.changes.push(configuration),
    });
  }

  openDatabase(): ConfigurationDatabase {
    const database = new ConfigurationDatabase(this.storeFile);
    this.#databases.push(database);
    return database;
  }

  /** A new version of the file, looked at. */
  rewrite(configuration: ManagedConfiguration, text: string): void {
    this.write(text);
    this.nowMs += 1000;
    configuration.current();
  }

  eventOf(outcome: Parameters<AcceptChange>[0], source: "api" | "file"): AccountingEvent {
    const services = { runtime: this.runtime, serverName: "test" };
    return composeEvent(services, { protocol: "system" }, changeContent(outcome, source));
  }

  /** A change as the API makes it; `undefined` removes the entry. */
  change(
    { store }: ManagedConfiguration,
    [kind, name]: readonly [EntryKind, string],
    value: JsonObject | undefined,
    options: { readonly precondition?: EntryPrecondition; readonly dryRun?: boolean } = {},
  ) {
    const change = { kind, name, valueFrom: () => value && { name, ...value }, precondition: {}, dryRun: false };
    return store.change({ ...change, ...options }, (outcome) => this.eventOf(outcome, "api"));
  }

  [Symbol.dispose](): void {
    for (const database of this.#databases) database.close();
    this.#workspace[Symbol.dispose]();
  }
}
