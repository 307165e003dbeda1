import { parseArgs } from "node:util";
import { createDynamoClient, createS3Client } from "../../adapters/aws/clients.ts";
import { createDynamoStaging } from "../../adapters/aws/dynamo-staging.ts";
import { DynamoTable } from "../../adapters/aws/dynamo-table.ts";
import { environmentNames } from "../../adapters/aws/env.ts";
import { createS3ObjectStore } from "../../adapters/aws/s3-object-store.ts";
import type { StagingRecord } from "../../adapters/aws/s3-staging.ts";
import { tuneGarbageCollection } from "../../adapters/node/garbage-collection.ts";
import { runStart } from "../../bin/cli/start.ts";
import { createMemoryStaging } from "./memory-staging.ts";

/**
 * `start --config FILE --data DIR` as `ferrygate` has it, with the files in a bucket of S3: everything else is that of
 * the embedded edition. Without a table the record of uploads is in memory.
 */
const { values } = parseArgs({
  args: process.argv.slice(3),
  options: { config: { type: "string" }, data: { type: "string" } },
});

function staging(): StagingRecord {
  const name = process.env[environmentNames.table];
  if (name === undefined) return createMemoryStaging();
  return createDynamoStaging(new DynamoTable({ client: createDynamoClient(), name, now: Date.now }));
}

process.exitCode = await runStart({
  configFile: values.config,
  dataDirectory: values.data,
  openObjects: async () => {
    // As the gateway has it, which keeps its files there.
    tuneGarbageCollection({ growthPercent: 100 });
    return createS3ObjectStore({
      client: createS3Client(),
      bucket: process.env[environmentNames.dataBucket] ?? "",
      staging: staging(),
      owner: "test",
    });
  },
});
