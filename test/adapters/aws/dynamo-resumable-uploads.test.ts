import { after, before, describe } from "node:test";
import { createDynamoResumableUploads } from "../../../adapters/aws/dynamo-resumable-uploads.ts";
import { resumableUploadStoreContract } from "../../contract/resumable-upload-store.contract.ts";
import { type AwsServices, awsOrSkip, startAwsServices } from "../../support/aws-services.ts";
import { createTestTable } from "../../support/aws-table.ts";

describe("DynamoDB", { skip: awsOrSkip() }, () => {
  let services: AwsServices;
  before(async () => {
    services = await startAwsServices();
  });
  after(() => services.stop());

  resumableUploadStoreContract("what is known of uploads that broke off, in the table", async () => {
    const { table, dispose } = await createTestTable({ now: () => 0 });
    const open = () => createDynamoResumableUploads(table);
    return { store: open(), reopen: async () => open(), dispose };
  });
});
