import {
  createDynamoAccountDirectory,
  type DynamoAccountDirectory,
} from "../../adapters/aws/dynamo-account-directory.ts";
import { createDynamoConfiguration } from "../../adapters/aws/dynamo-configuration.ts";
import type { DynamoTable } from "../../adapters/aws/dynamo-table.ts";
import { type StageMeans, stageProvisions } from "../../adapters/aws/stage-provisions.ts";
import type { ConfigurationStore } from "../../ports/configuration-store.ts";
import { runtime } from "./operator-log.ts";

type Parts = Awaited<ReturnType<ReturnType<typeof createDynamoConfiguration>["current"]>>;

/** The accounts and rules in force, for a function. */
export interface FunctionConfiguration {
  /** Looks each account up when it is asked for. */
  readonly accounts: DynamoAccountDirectory;
  readonly store: ConfigurationStore;
  /** As of the last {@link refresh}, which comes first. */
  current(): Parts;
  /** One read where nothing changed. @throws FileError `unavailable` */
  refresh(): Promise<void>;
}

/** @param stage what it has besides entries */
export function openConfiguration(table: DynamoTable, stage: StageMeans = {}): FunctionConfiguration {
  const { log } = runtime;
  const configuration = createDynamoConfiguration({ table, log, provisions: stageProvisions(stage) });
  let inForce: Parts | undefined;
  return {
    accounts: createDynamoAccountDirectory({ table, log }),
    store: configuration.store,
    current: () => {
      if (!inForce) throw new Error("the configuration is read before it is refreshed");
      return inForce;
    },
    refresh: async () => {
      inForce = await configuration.current();
    },
  };
}
