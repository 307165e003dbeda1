import {
  CreateBucketCommand,
  GetObjectCommand,
  ListMultipartUploadsCommand,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { openS3Site } from "../../../adapters/aws/s3-site.ts";
import { describeRemoteSite } from "../../contract/remote-site.contract.ts";
import { awsOrSkip, startAwsServices } from "../../support/aws-services.ts";
import { remoteDestination } from "../../support/remote-destination.ts";

describeRemoteSite("S3", awsOrSkip(), async () => {
  const services = await startAwsServices();
  const credentials = { accessKeyId: "test", secretAccessKey: "test-secret" };
  const region = "eu-west-1";
  const client = new S3Client({ endpoint: services.endpoint, region, credentials, forcePathStyle: true });
  const Bucket = `partner-${process.pid}-${Date.now()}`;
  await client.send(new CreateBucketCommand({ Bucket, CreateBucketConfiguration: { LocationConstraint: region } }));
  const objectKey = (path: string) => `incoming${path}`;
  const destination = remoteDestination(`s3://${Bucket}/incoming`, {
    user: credentials.accessKeyId,
    password: credentials.secretAccessKey,
    region,
    endpoint: services.endpoint,
  });
  return {
    open: async () => openS3Site(destination),
    stored: async (path) => {
      try {
        const { Body } = await client.send(new GetObjectCommand({ Bucket, Key: objectKey(path) }));
        return Buffer.from((await Body?.transformToByteArray()) ?? []);
      } catch (error) {
        if ((error as { name?: unknown }).name === "NoSuchKey") return undefined;
        throw error;
      }
    },
    put: async (path, Body) => void (await client.send(new PutObjectCommand({ Bucket, Key: objectKey(path), Body }))),
    unfinished: async () => {
      const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket }));
      return Uploads.map((upload) => `${upload.Key}`);
    },
    dispose: async () => {
      client.destroy();
      await services.stop();
    },
  };
});
