import { createSqsClient } from "../../adapters/aws/clients.ts";
import { createDynamoHeldEvents } from "../../adapters/aws/dynamo-held-events.ts";
import type { DynamoTable } from "../../adapters/aws/dynamo-table.ts";
import { sendEvent } from "../../adapters/aws/queue-replay.ts";
import { handInHeld } from "../../service/scan/hand-in-held.ts";

/** Puts what was held for an object into the queue of dispatch again, where there is one. */
export function openHeldEvents(table: DynamoTable, dispatchQueue: string | undefined) {
  const client = createSqsClient();
  const held = createDynamoHeldEvents(table);
  return async (objectKey: string): Promise<void> => {
    if (dispatchQueue === undefined) return;
    await handInHeld(held, objectKey, (event) => sendEvent(client, dispatchQueue, event));
  };
}
