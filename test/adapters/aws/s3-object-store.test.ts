import { after, before, describe } from "node:test";
import { objectStoreContract } from "../../contract/object-store.contract.ts";
import { type AwsServices, awsOrSkip, startAwsServices } from "../../support/aws-services.ts";
import { createS3StoreUnderTest } from "../../support/s3-store.ts";

describe("S3", { skip: awsOrSkip() }, () => {
  let services: AwsServices;
  before(async () => {
    services = await startAwsServices();
  });
  after(() => services.stop());

  objectStoreContract("the S3 store", () => createS3StoreUnderTest(), { modelRuns: 20 });
  objectStoreContract(
    "the S3 store where the bucket keeps versions",
    () => createS3StoreUnderTest({ keepsVersions: true }),
    {
      modelRuns: 5,
    },
  );
});
