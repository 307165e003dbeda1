import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, it } from "node:test";
import { createS3Client } from "../../../adapters/aws/clients.ts";
import { S3Bucket } from "../../../adapters/aws/s3-bucket.ts";
import { S3Copies } from "../../../adapters/aws/s3-copies.ts";
import { S3Folders } from "../../../adapters/aws/s3-folders.ts";
import { PartMemory } from "../../../adapters/aws/s3-part-memory.ts";
import { Publisher } from "../../../adapters/aws/s3-publisher.ts";
import type { StagingRecord } from "../../../adapters/aws/s3-staging.ts";
import { S3Writer } from "../../../adapters/aws/s3-writer.ts";
import { limits } from "../../../core/limits.ts";
import { randomFrom } from "../../support/random.ts";

const MiB = 1024 ** 2;
const uploads = 100;

/** Says yes to everything, when it is told to: what it is sent arrives, and how much at a time. */
function startSink() {
  const client = createS3Client({ endpoint: "http://127.0.0.1:1" });
  let [receivedBytes, isOpen] = [0, true];
  let open: () => void = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  isOpen = false;
  client.middlewareStack.add(
    (_, { commandName = "" }) =>
      async ({ input }) => {
        const { Body } = input as { Body?: Uint8Array };
        if (Body && !isOpen) await opened;
        receivedBytes += Body?.length ?? 0;
        return { output: { UploadId: "u", ETag: '"e"', $metadata: {}, commandName }, response: {} };
      },
    { step: "initialize" },
  );
  const release = () => {
    isOpen = true;
    open();
  };
  return { client, release, receivedBytes: () => receivedBytes };
}

describe("100 uploads at the same time", () => {
  it("hold no more than their budget while S3 does not answer, and all arrive when it does", async () => {
    const budget = 64 * MiB;
    const [sink, memory, random] = [startSink(), new PartMemory(budget), randomFrom(5)];
    const bucket = new S3Bucket(sink.client, "bucket");
    const staging = { change: async () => true, find: async () => ({ state: "open" }) } as unknown as StagingRecord;
    const [folders, copies] = [new S3Folders(bucket), new S3Copies(bucket)];
    const publisher = new Publisher({ bucket, folders, copies, staging, settleMs: 0 });
    const chunk = randomBytes(MiB);
    let [writtenBytes, mostHeldBytes] = [0, 0];
    const sizes = Array.from({ length: uploads }, () => Math.floor(random() * 24 * MiB));
    const running = sizes.map(async (size, index) => {
      const upload = {
        transferId: `${index}`,
        objectKey: `${index}`,
        owner: "",
        startedAtMs: 0,
        multipartId: undefined,
      };
      const watcher = { ended: () => {}, failed: () => {} };
      const writer = new S3Writer({ bucket, staging, memory, publisher }, { ...upload, state: "open" }, watcher);
      for (let left = size; left > 0; left -= chunk.length) {
        await writer.write(chunk.subarray(0, left));
        writtenBytes += Math.min(left, chunk.length);
        mostHeldBytes = Math.max(mostHeldBytes, memory.heldBytes);
      }
      return writer.publish({});
    });
    await untilStill(() => writtenBytes);
    assert.ok(writtenBytes < budget + uploads * limits.storeFirstBufferBytes);
    sink.release();
    await Promise.all(running);
    assert.equal(
      sink.receivedBytes(),
      sizes.reduce((sum, size) => sum + size, 0),
    );
    assert.ok(mostHeldBytes <= budget && mostHeldBytes > budget / 2);
    assert.equal(memory.heldBytes, 0);
  });
});

/** Until nothing that could go on does: every step of it is one of the promises that run before the next turn. */
async function untilStill(value: () => number): Promise<void> {
  for (let turns = 0, before = value(); turns < 20; turns += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    if (value() !== before) [turns, before] = [0, value()];
  }
}
