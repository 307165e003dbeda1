import { randomUUID } from "node:crypto";
import {
  CreateTableCommand,
  DeleteTableCommand,
  UpdateTimeToLiveCommand,
  waitUntilTableExists,
} from "@aws-sdk/client-dynamodb";
import type { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { createDynamoClient } from "../../adapters/aws/clients.ts";
import { DynamoTable } from "../../adapters/aws/dynamo-table.ts";
import { tableAttributes } from "../../adapters/aws/env.ts";

/** A table of its own for one test. */
export interface TestTable {
  readonly table: DynamoTable;
  readonly tableName: string;
  readonly client: DynamoDBDocumentClient;
  dispose(): Promise<void>;
}

const { partition, sort, indexName, indexPartition, indexSort, expiry } = tableAttributes;

/** Creates an empty table as the product expects it; {@link startAwsServices} comes first. */
export async function createTestTable({ now = Date.now }: { now?: () => number } = {}): Promise<TestTable> {
  const client = createDynamoClient();
  const tableName = `ferrygate-test-${randomUUID()}`;
  await client.send(
    new CreateTableCommand({
      TableName: tableName,
      BillingMode: "PAY_PER_REQUEST",
      AttributeDefinitions: [partition, sort, indexPartition, indexSort].map((AttributeName) => ({
        AttributeName,
        AttributeType: "S",
      })),
      KeySchema: schemaOf(partition, sort),
      GlobalSecondaryIndexes: [
        {
          IndexName: indexName,
          KeySchema: schemaOf(indexPartition, indexSort),
          Projection: { ProjectionType: "ALL" },
        },
      ],
    }),
  );
  await waitUntilTableExists({ client, maxWaitTime: 60 }, { TableName: tableName });
  const TimeToLiveSpecification = { AttributeName: expiry, Enabled: true };
  await client.send(new UpdateTimeToLiveCommand({ TableName: tableName, TimeToLiveSpecification }));
  return {
    table: new DynamoTable({ client, name: tableName, now }),
    tableName,
    client,
    dispose: async () => {
      await client.send(new DeleteTableCommand({ TableName: tableName }));
      client.destroy();
    },
  };
}

function schemaOf(hash: string, range: string) {
  return [
    { AttributeName: hash, KeyType: "HASH" as const },
    { AttributeName: range, KeyType: "RANGE" as const },
  ];
}
