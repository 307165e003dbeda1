import { randomUUID } from "node:crypto";
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectsCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { createS3Client } from "../../adapters/aws/clients.ts";
import { createDynamoStaging } from "../../adapters/aws/dynamo-staging.ts";
import type { DynamoTable } from "../../adapters/aws/dynamo-table.ts";
import {
  createS3ObjectStore,
  type S3ObjectStore,
  type S3ObjectStoreOptions,
} from "../../adapters/aws/s3-object-store.ts";
import type { StagingRecord } from "../../adapters/aws/s3-staging.ts";
import type { StoreUnderTest } from "../contract/store-under-test.ts";
import { createTestTable } from "./aws-table.ts";

export interface TestBucket {
  readonly client: S3Client;
  readonly bucket: string;
  dispose(): Promise<void>;
}

/** An empty bucket; {@link startAwsServices} comes first. */
export async function createTestBucket({ keepsVersions = false } = {}): Promise<TestBucket> {
  const client = createS3Client();
  const bucket = `ferrygate-test-${randomUUID()}`;
  await client.send(new CreateBucketCommand({ Bucket: bucket, ...placeOf(await client.config.region()) }));
  if (keepsVersions) {
    const VersioningConfiguration = { Status: "Enabled" } as const;
    await client.send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration }));
  }
  return {
    client,
    bucket,
    dispose: async () => {
      await empty(client, bucket);
      await client.send(new DeleteBucketCommand({ Bucket: bucket }));
      client.destroy();
    },
  };
}

/** The region whose name a bucket cannot be given is the one where it is without any. */
function placeOf(region: string) {
  return region === "us-east-1" ? {} : { CreateBucketConfiguration: { LocationConstraint: region as "eu-west-1" } };
}

async function empty(client: S3Client, bucket: string): Promise<void> {
  for (;;) {
    const page = await client.send(new ListObjectVersionsCommand({ Bucket: bucket }));
    const found = [...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])];
    if (found.length === 0) return;
    const Objects = found.map(({ Key: objectKey, VersionId }) => ({ Key: objectKey, VersionId }));
    await client.send(new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects } }));
  }
}

export interface S3StoreUnderTest extends StoreUnderTest {
  readonly store: S3ObjectStore;
  readonly client: S3Client;
  readonly bucket: string;
  readonly staging: StagingRecord;
  readonly table: DynamoTable;
  /** Another process's view. */
  open(options?: Partial<S3ObjectStoreOptions>): S3ObjectStore;
}

export interface S3StoreSetup {
  readonly keepsVersions?: boolean;
  readonly options?: Partial<S3ObjectStoreOptions>;
}

/** A store on a bucket and a table of its own. */
export async function createS3StoreUnderTest({ keepsVersions, options }: S3StoreSetup = {}): Promise<S3StoreUnderTest> {
  const [bucket, table] = await Promise.all([createTestBucket({ keepsVersions }), createTestTable()]);
  const staging = createDynamoStaging(table.table);
  const shared = { client: bucket.client, bucket: bucket.bucket, staging, owner: "tested" };
  const open = (others: Partial<S3ObjectStoreOptions> = {}) =>
    createS3ObjectStore({ ...shared, ...options, ...others });
  return {
    ...shared,
    table: table.table,
    store: open(),
    open,
    reopen: async () => open(),
    exactNames: true,
    listsExactTimes: false,
    dispose: async () => {
      await Promise.all([bucket.dispose(), table.dispose()]);
    },
  };
}
