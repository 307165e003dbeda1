import { fileURLToPath } from "node:url";
import { awsOrSkip, startAwsServices } from "../support/aws-services.ts";
import { createTestTable } from "../support/aws-table.ts";
import { createTestBucket } from "../support/s3-store.ts";
import type { ScriptStore } from "./files-script.ts";

/** A bucket of S3 and the record of its uploads in the table, in place of the folder. */
export const inS3: ScriptStore = {
  title: "kept in S3",
  skip: awsOrSkip,
  open: async () => {
    const services = await startAwsServices();
    const [bucket, table] = await Promise.all([createTestBucket(), createTestTable()]);
    return {
      product: {
        program: fileURLToPath(new URL("../support/product-on-s3.ts", import.meta.url)),
        env: { FERRYGATE_DATA_BUCKET: bucket.bucket, FERRYGATE_TABLE: table.tableName },
      },
      dispose: async () => {
        await Promise.all([bucket.dispose(), table.dispose()]);
        await services.stop();
      },
    };
  },
};
