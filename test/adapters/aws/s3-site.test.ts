import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, it } from "node:test";
import {
  CreateBucketCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { openS3Site } from "../../../adapters/aws/s3-site.ts";
import { FileError } from "../../../core/errors.ts";
import { parseVirtualPath } from "../../../core/virtual-path.ts";
import { describeRemoteSite } from "../../contract/remote-site.contract.ts";
import { awsServerOrSkip, startAwsServices } from "../../support/aws-services.ts";
import { startFaultyHttp } from "../../support/faulty-http.ts";
import { remoteDestination } from "../../support/remote-destination.ts";

/** A partner's bucket. */
async function startBucket() {
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
  const dispose = async () => {
    client.destroy();
    await services.stop();
  };
  return { client, Bucket, objectKey, destination, dispose };
}

describeRemoteSite("S3", awsServerOrSkip(), async () => {
  const { client, Bucket, objectKey, destination, dispose } = await startBucket();
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
    dispose,
  };
});

const MiB = 1024 ** 2;

describe("a rename in S3", { skip: awsServerOrSkip() }, () => {
  const at = parseVirtualPath;

  /**
   * What comes of the rename of a file, where more than 6 MiB is too much for one request.
   * @param meanwhile is at `to.bin` once the copy has begun
   */
  async function renamed(bytes: number, meanwhile?: string) {
    const { client, Bucket, objectKey, destination, dispose } = await startBucket();
    const content = randomBytes(bytes);
    const described = { ContentType: "application/pdf", Metadata: { sha256: "aa", mtime: "1.5" } };
    await client.send(new PutObjectCommand({ Bucket, Key: objectKey("/from.bin"), Body: content, ...described }));
    const to = { Bucket, Key: objectKey("/to.bin") };
    let putting: "not yet" | "under way" | "done" = meanwhile === undefined ? "done" : "not yet";
    const proxy = await startFaultyHttp(`${destination.endpoint}`, ({ headers }) => {
      if (headers["x-amz-copy-source"] === undefined || putting === "done") return "pass";
      if (putting === "not yet") {
        putting = "under way";
        void client.send(new PutObjectCommand({ ...to, Body: meanwhile ?? "" })).then(() => {
          putting = "done";
        });
      }
      return "503";
    });
    const sizes = { wholeBytes: 6 * MiB, partBytes: 5 * MiB };
    const site = openS3Site({ ...destination, endpoint: proxy.endpoint }, sizes);
    try {
      const outcome = await site.rename(at("/from.bin"), at("/to.bin"), { overwrite: false }).catch(codeOf);
      const head = await client.send(new HeadObjectCommand(to));
      const { Body } = await client.send(new GetObjectCommand(to));
      const isSame = content.equals(Buffer.from((await Body?.transformToByteArray()) ?? []));
      const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket }));
      const isThere = (await site.stat(at("/from.bin"))) !== undefined;
      return { outcome, head, isSame, isThere, unfinished: Uploads.length };
    } finally {
      site.close();
      await proxy.stop();
      await dispose();
    }
  }

  it("copies a file in one request up to the size that S3 takes, and a larger one in parts", async () => {
    const small = await renamed(6 * MiB);
    const large = await renamed(11 * MiB + 1);
    // The ETag of S3 tells how many parts an object came in.
    assert.doesNotMatch(`${small.head.ETag}`, /-/);
    assert.match(`${large.head.ETag}`, /-3"$/);
    for (const { head, isSame, isThere, unfinished } of [small, large]) {
      assert.deepEqual([isSame, isThere, unfinished], [true, false, 0]);
      assert.deepEqual([head.ContentType, head.Metadata], ["application/pdf", { sha256: "aa", mtime: "1.5" }]);
    }
  });

  it("in parts overwrites nothing that comes meanwhile, and leaves no parts", async () => {
    const { outcome, head, isThere, unfinished } = await renamed(11 * MiB, "somebody else's");
    assert.deepEqual([outcome, isThere, unfinished], ["already-exists", true, 0]);
    assert.equal(head.ContentLength, "somebody else's".length);
  });
});

function codeOf(error: unknown): string {
  assert.ok(error instanceof FileError);
  return error.code;
}
