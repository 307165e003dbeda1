import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { GetObjectTaggingCommand, HeadObjectCommand } from "@aws-sdk/client-s3";
import { createS3Client } from "../../../adapters/aws/clients.ts";
import { createDynamoStaging } from "../../../adapters/aws/dynamo-staging.ts";
import { createS3ObjectStore } from "../../../adapters/aws/s3-object-store.ts";
import { createS3Quarantine } from "../../../adapters/aws/s3-quarantine.ts";
import type { QuarantineBounds } from "../../../core/held-file.ts";
import { storeQuarantineContract } from "../../contract/store-quarantine.contract.ts";
import { type AwsServices, awsOrSkip, startAwsServices } from "../../support/aws-services.ts";
import { createTestTable } from "../../support/aws-table.ts";
import { createTestBucket } from "../../support/s3-store.ts";

describe("the quarantine on S3 and DynamoDB", { skip: awsOrSkip() }, () => {
  let services: AwsServices;
  before(async () => {
    services = await startAwsServices();
  });
  after(() => services.stop());

  const open = async (bounds: QuarantineBounds) => {
    const { client, bucket, dispose: disposeBucket } = await createTestBucket({ keepsVersions: true });
    const { table, dispose: disposeTable } = await createTestTable();
    const objects = createS3ObjectStore({ client, bucket, staging: createDynamoStaging(table), owner: "test" });
    const quarantine = createS3Quarantine({ client, bucket, objects, table, bounds });
    const dispose = async () => {
      await disposeBucket();
      await disposeTable();
    };
    return { quarantine, objects, client, bucket, dispose };
  };

  storeQuarantineContract("as a quarantine", open);

  it("tells a version from another with the same content", async () => {
    const { quarantine, objects, client, bucket, dispose } = await open({ files: 2, bytes: 10 });
    const versions = [];
    for (const id of ["first", "second"]) {
      const writer = await objects.openWrite("a", id);
      await writer.write(Buffer.from("bad"));
      const { etag } = await writer.publish({ modifiedAtMs: 5000 });
      const { VersionId: versionId } = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: "a" }));
      versions.push({ objectKey: "a", etag, versionId });
    }
    const [first, second] = versions;
    assert.ok(first && second);
    assert.equal(await quarantine.takeIn("q", first), false);
    assert.equal(await quarantine.takeIn("q", second), true);
    await dispose();
  });

  it("lets a file out with its time and the mark that lets it be read", async () => {
    const { quarantine, objects, client, bucket, dispose } = await open({ files: 2, bytes: 10 });
    const writer = await objects.openWrite("a", "upload");
    await writer.write(Buffer.from("bad"));
    const { etag } = await writer.publish({ modifiedAtMs: 5000 });
    await quarantine.takeIn("q", { objectKey: "a", etag });
    assert.equal((await quarantine.letOut("q", "b")).modifiedAtMs, 5000);
    assert.equal((await objects.stat("b"))?.modifiedAtMs, 5000);
    const { TagSet } = await client.send(new GetObjectTaggingCommand({ Bucket: bucket, Key: "b" }));
    assert.deepEqual(TagSet, [{ Key: "ferrygate-released", Value: "true" }]);
    const held = new GetObjectTaggingCommand({ Bucket: bucket, Key: ".ferrygate/quarantine/q" });
    assert.deepEqual((await client.send(held)).TagSet, []);
    await dispose();
  });

  it("lets a file over 5 GiB out in parts, with the mark", async () => {
    const { client, bucket, objects, dispose } = await open({ files: 2, bytes: 10 });
    const { table, dispose: disposeTable } = await createTestTable();
    const asked = new Map<string, Record<string, unknown>>();
    const isHeld = (input: object) => "Key" in input && input.Key === ".ferrygate/quarantine/q";
    const head = { ContentLength: 5 * 2 ** 30 + 1, ETag: '"e"', Metadata: { mtime: "1.000" } };
    const answers: Readonly<Record<string, () => object>> = {
      HeadObject: () => head,
      CreateMultipartUpload: () => ({ UploadId: "u" }),
      UploadPartCopy: () => ({ CopyPartResult: { ETag: '"p"' } }),
      CompleteMultipartUpload: () => ({ ETag: '"made-6"' }),
    };
    const answering = createS3Client();
    answering.middlewareStack.add(
      (next, { commandName = "" }) =>
        async (args) => {
          const name = commandName.replace("Command", "");
          if (name === "HeadObject" && !isHeld(args.input)) return next(args);
          asked.set(name, args.input as Record<string, unknown>);
          return { output: { $metadata: {}, ...answers[name]?.() }, response: {} };
        },
      { step: "initialize", priority: "low" },
    );
    const quarantine = createS3Quarantine({
      client: answering,
      bucket,
      objects,
      table,
      bounds: { files: 1, bytes: 1 },
    });
    const made = await quarantine.letOut("q", "in/a");
    assert.deepEqual([made.etag, made.size, made.modifiedAtMs], ["made-6", 5 * 2 ** 30 + 1, 1000]);
    const begun = asked.get("CreateMultipartUpload");
    assert.deepEqual(
      [begun?.Tagging, begun?.Metadata],
      ["ferrygate-released=true", { mtime: "1.000", "ferrygate-released": "q" }],
    );
    assert.equal(asked.get("CompleteMultipartUpload")?.IfNoneMatch, "*");
    answering.destroy();
    await disposeTable();
    await dispose();
    client.destroy();
  });
});
