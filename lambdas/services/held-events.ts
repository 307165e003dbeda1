import { createS3Client, createSqsClient } from "../../adapters/aws/clients.ts";
import { createDynamoHeldEvents } from "../../adapters/aws/dynamo-held-events.ts";
import type { DynamoTable } from "../../adapters/aws/dynamo-table.ts";
import { sendEvent } from "../../adapters/aws/queue-replay.ts";
import { createS3Scan } from "../../adapters/aws/s3-scan.ts";
import type { StoreScanning } from "../../service/dispatch/after-scan.ts";
import { handInHeld } from "../../service/scan/hand-in-held.ts";
import type { ServicesEnvironment } from "./session-services.ts";

/** What rules wait for; undefined where nothing is scanned. */
export function openStoreScanning(
  table: DynamoTable,
  { bucket, scan: part }: Pick<ServicesEnvironment, "bucket" | "scan">,
): StoreScanning | undefined {
  if (!part) return undefined;
  return { scan: createS3Scan({ client: createS3Client(), bucket, part }), held: createDynamoHeldEvents(table) };
}

/** Puts what was held for an object into the queue of dispatch again, where there is one. */
export function openHeldEvents(table: DynamoTable, dispatchQueue: string | undefined) {
  const client = createSqsClient();
  const held = createDynamoHeldEvents(table);
  return async (objectKey: string): Promise<void> => {
    if (dispatchQueue === undefined) return;
    await handInHeld(held, objectKey, (event) => sendEvent(client, dispatchQueue, event));
  };
}
