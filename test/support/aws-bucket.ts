import { randomUUID } from "node:crypto";
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { createS3Client } from "../../adapters/aws/clients.ts";

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
  const client = createS3Client();
  const bucket = `ferrygate-test-${randomUUID()}`;
  await client.send(
    new CreateBucketCommand({
      Bucket: bucket,
      CreateBucketConfiguration: { LocationConstraint: (process.env.AWS_REGION ?? "") as "eu-west-1" },
    }),
  );
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
  const dispose = async () => {
    const { Versions = [], DeleteMarkers = [] } = await client.send(new ListObjectVersionsCommand({ Bucket: bucket }));
    const Objects = [...Versions, ...DeleteMarkers].map(({ Key: objectKey, VersionId }) => ({
      Key: objectKey,
      VersionId,
    }));
    if (Objects.length > 0) await client.send(new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects } }));
    await client.send(new DeleteBucketCommand({ Bucket: bucket }));
    client.destroy();
  };
  return { client, bucket, objectKeys, content, put, keepVersions, dispose };
}
