import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { gunzipSync } from "node:zlib";
import { createS3EventArchive } from "../../../adapters/aws/s3-event-archive.ts";
import type { AccountingEvent } from "../../../core/accounting-event.ts";
import { createTestBucket, type TestBucket } from "../../support/aws-bucket.ts";
import { type AwsServices, awsOrSkip, startAwsServices } from "../../support/aws-services.ts";

const eventAt = (time: string, id: string, message = "done"): AccountingEvent => ({
  id,
  type: "transfer.completed",
  time,
  server: "test",
  protocol: "sftp",
  message,
  data: { path: "/ü\n.pdf" },
});

describe("the archive of events in S3", { skip: awsOrSkip() }, () => {
  let services: AwsServices;
  let test: TestBucket;
  before(async () => {
    services = await startAwsServices();
    test = await createTestBucket();
  });
  after(async () => {
    await test.dispose();
    await services.stop();
  });

  it("holds each batch as one object of a day, in the order of time, and the same batch once", async () => {
    const archive = createS3EventArchive({ client: test.client, bucket: test.bucket, prefix: "events/" });
    const [first, second] = [eventAt("2026-11-26T23:59:59.900Z", "b"), eventAt("2026-11-27T00:00:00.100Z", "a")];
    await archive.keep([]);
    await archive.keep([second, first]);
    const [objectKey = "", ...others] = await test.objectKeys();
    assert.match(objectKey, /^events\/date=2026-11-26\/T235959\.900Z-[0-9a-f]{32}\.ndjson\.gz$/);
    assert.deepEqual(others, []);
    const written = await test.content(objectKey);
    const lines = gunzipSync(written).toString().trimEnd().split("\n");
    assert.deepEqual(
      lines.map((line) => JSON.parse(line)),
      [first, second],
    );
    await archive.keep([first, eventAt("2026-11-27T00:00:00.100Z", "a", "another text")]);
    assert.deepEqual([await test.objectKeys(), await test.content(objectKey)], [[objectKey], written]);
    await archive.keep([first]);
    assert.equal((await test.objectKeys()).length, 2);
  });

  it("says that a batch is not kept where the bucket does not take it", async () => {
    const archive = createS3EventArchive({ client: test.client, bucket: `${test.bucket}-gone`, prefix: "" });
    await assert.rejects(archive.keep([eventAt("2026-11-26T12:00:00.000Z", "c")]), /bucket does not exist/);
  });
});
