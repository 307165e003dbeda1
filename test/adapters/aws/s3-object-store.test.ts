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

  // What it remembers of names never gets too old here: what the process itself changes has to be enough.
  const options = { recentMs: 60 * 60 * 1000 };
  objectStoreContract("the S3 store", () => createS3StoreUnderTest({ options }), { modelRuns: 20 });
  objectStoreContract(
    "the S3 store where the bucket keeps versions",
    () => createS3StoreUnderTest({ keepsVersions: true }),
    {
      modelRuns: 5,
    },
  );
});
