import { after, before, describe } from "node:test";
import { objectStoreContract } from "../../contract/object-store.contract.ts";
import { type AwsServices, awsOrSkip, startAwsServices } from "../../support/aws-services.ts";
import { minioOrSkip, startMinio } from "../../support/minio.ts";
import { createS3StoreUnderTest, type S3StoreSetup, type S3StoreUnderTest } from "../../support/s3-store.ts";

/** It refuses some of the names that are delicate elsewhere, so they are left out. */
async function onMinio(setup: S3StoreSetup): Promise<S3StoreUnderTest> {
  return { ...(await createS3StoreUnderTest(setup)), exactNames: false };
}

/** Another S3: it holds to the conditions and checksums that moto does not look at. */
describe("MinIO", { skip: minioOrSkip() || awsOrSkip() }, () => {
  const servers: Pick<AwsServices, "stop">[] = [];
  before(async () => {
    servers.push(await startAwsServices());
    servers.push(await startMinio());
  });
  after(() => Promise.all(servers.map((server) => server.stop())));

  objectStoreContract("the S3 store on MinIO", () => onMinio({}), { modelRuns: 10 });
  const keepsVersions = () => onMinio({ keepsVersions: true });
  objectStoreContract("the S3 store on MinIO where the bucket keeps versions", keepsVersions, { modelRuns: 5 });
});
