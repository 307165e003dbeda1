import { join } from "node:path";
import { ManagedConfiguration } from "../../adapters/local/configuration/managed-configuration.ts";
import { ConfigurationDatabase } from "../../adapters/local/sqlite-configuration.ts";
import { changeContent } from "../../service/management/change-event.ts";
import { Management } from "../../service/management/management.ts";
import { ChangeRecorder } from "../../service/management/record-changes.ts";
import { composeEvent } from "../../service/session/recorder.ts";
import type { SessionServices } from "../../service/session/services.ts";
import type { LocalServerOptions } from "./front.ts";

/** The configuration in force, and the store that the file seeds. */
export interface LocalConfiguration {
  readonly configuration: ManagedConfiguration;
  /** Puts changes on record, those of the file and of other processes too, and lets clients make them. */
  serve(services: SessionServices): Promise<Management>;
  close(): void;
}

/** @throws Error in words for the operator when the store cannot be used */
export function openConfiguration({ dataDirectory, loaded, runtime }: LocalServerOptions): LocalConfiguration {
  const database = new ConfigurationDatabase(join(dataDirectory, "configuration.sqlite"));
  const serverName = loaded.configuration.server.name;
  let changed = () => {};
  const configuration = new ManagedConfiguration({
    loaded,
    database,
    runtime,
    describe: (outcome) =>
      composeEvent({ runtime, serverName }, { protocol: "system" }, changeContent(outcome, "file")),
    onChange: () => changed(),
  });
  let stopReviews = () => {};
  return {
    configuration,
    serve: async (services) => {
      const { store } = configuration;
      const recorder = new ChangeRecorder(store, services.accounting);
      await recorder.record();
      stopReviews = recorder.startReviews(runtime);
      changed = () => recorder.recordSoon(runtime.log);
      return new Management({ store, passwords: services.passwords, recorder, runtime });
    },
    close: () => {
      stopReviews();
      database.close();
    },
  };
}
