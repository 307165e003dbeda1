import { createDynamoClient, createEventBridgeClient } from "../../adapters/aws/clients.ts";
import { createDynamoConfiguration } from "../../adapters/aws/dynamo-configuration.ts";
import { DynamoTable } from "../../adapters/aws/dynamo-table.ts";
import { EventPublisher } from "../../adapters/aws/eventbridge-publisher.ts";
import { stageProvisions } from "../../adapters/aws/stage-provisions.ts";
import type { Provisions } from "../../adapters/node/configuration/entry-checks.ts";
import { createLog } from "../../adapters/node/log.ts";
import { createRuntime } from "../../adapters/node/runtime.ts";
import type { ConfigurationStore } from "../../ports/configuration-store.ts";
import { ChangeRecorder } from "../../service/management/record-changes.ts";
import type { ConfigurationTarget } from "./configuration-target.ts";
import { storeTarget } from "./store-target.ts";

export interface TableOptions {
  /** How the events name the server. */
  readonly serverName: string;
  readonly eventBus: string | undefined;
  /** What the file has besides entries. */
  readonly provisions: Pick<Provisions, "pgpKeys">;
}

/**
 * The table of the AWS edition, with the credentials of whoever runs the command. The events of changes go to the
 * event bus when the target is closed; without one they wait in the table for the next change over the API.
 */
export async function openTable(
  tableName: string,
  { serverName, eventBus, provisions: ofFile }: TableOptions,
): Promise<ConfigurationTarget> {
  const runtime = createRuntime({ log: createLog({ stream: process.stderr }) });
  const client = createDynamoClient();
  const table = new DynamoTable({ client, name: tableName, now: () => runtime.now() });
  // What the stage has is not known here; the file, which names its keys and a scanner too, was checked by itself.
  const provisions = { ...stageProvisions(ofFile), withoutScanner: undefined, withoutScanStep: undefined };
  const { store } = createDynamoConfiguration({ table, log: runtime.log, provisions });
  const close = async () => {
    if (eventBus !== undefined) await recordChanges(store, eventBus);
    client.destroy();
  };
  return storeTarget({ name: `table ${tableName}`, store, provisions, runtime, serverName, close });
}

async function recordChanges(store: ConfigurationStore, eventBus: string): Promise<void> {
  const client = createEventBridgeClient();
  const publisher = new EventPublisher({ client, eventBus });
  await new ChangeRecorder(store, { append: (event) => publisher.publish(event) }).record();
  client.destroy();
}
