import {
  GetObjectCommand,
  ListObjectsV2Command,
  PutBucketVersioningCommand,
  PutObjectCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { createTestBucket as createBucket } from "./s3-store.ts";

/** A bucket of its own for one test. */
export interface TestBucket {
  readonly client: S3Client;
  readonly bucket: string;
  /** The names of its objects, in their order. */
  objectKeys(prefix?: string): Promise<readonly string[]>;
  content(objectKey: string): Promise<Buffer>;
  put(objectKey: string, content: string): Promise<void>;
  /** As the product's bucket does. */
  keepVersions(): Promise<void>;
  dispose(): Promise<void>;
}

/** Creates an empty bucket; {@link startAwsServices} comes first. */
export async function createTestBucket(): Promise<TestBucket> {
  const { client, bucket, dispose } = await createBucket();
  const objectKeys = async (prefix = "") => {
    const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix }));
    return Contents.map((found) => found.Key ?? "");
  };
  const content = async (objectKey: string) => {
    const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: objectKey }));
    return Buffer.from((await Body?.transformToByteArray()) ?? []);
  };
  const put = async (objectKey: string, content: string) => {
    await client.send(new PutObjectCommand({ Bucket: bucket, Key: objectKey, Body: content }));
  };
  const keepVersions = async () => {
    const VersioningConfiguration = { Status: "Enabled" } as const;
    await client.send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration }));
  };
  return { client, bucket, objectKeys, content, put, keepVersions, dispose };
}
