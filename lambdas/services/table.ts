import { createDynamoClient } from "../../adapters/aws/clients.ts";
import { DynamoTable } from "../../adapters/aws/dynamo-table.ts";
import { runtime } from "./operator-log.ts";

export function openTable(name: string): DynamoTable {
  return new DynamoTable({ client: createDynamoClient(), name, now: () => runtime.now() });
}
