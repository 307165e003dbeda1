import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";
import { crc32 } from "node:zlib";
import type {
  CompleteMultipartUploadCommandInput,
  CopyObjectCommandInput,
  DeleteObjectCommandInput,
  PutObjectCommandInput,
  UploadPartCommandInput,
  UploadPartCopyCommandInput,
} from "@aws-sdk/client-s3";
import type { S3ObjectStore } from "../../../adapters/aws/s3-object-store.ts";
import { limits } from "../../../core/limits.ts";
import { get, newTransferId, put, settle, writerWith } from "../../contract/object-content.ts";
import { refuses } from "../../contract/refusal.ts";
import { type AwsServices, awsOrSkip, startAwsServices } from "../../support/aws-services.ts";
import { createS3StoreUnderTest, type S3StoreUnderTest } from "../../support/s3-store.ts";

interface Sent {
  readonly command: string;
  readonly input: object;
}

const GiB = 1024 ** 3;

/** What the product says to S3: moto does not look at all of it. */
describe("uploads to S3", { skip: awsOrSkip() }, () => {
  let services: AwsServices;
  let tested: S3StoreUnderTest;
  let store: S3ObjectStore;
  let sent: Sent[];
  before(async () => {
    services = await startAwsServices();
  });
  after(() => services.stop());
  beforeEach(async () => {
    tested = await createS3StoreUnderTest();
    store = tested.store;
    sent = [];
    tested.client.middlewareStack.add(
      (next, { commandName = "" }) =>
        (args) => {
          sent.push({ command: commandName.replace("Command", ""), input: args.input });
          return next(args);
        },
      { step: "initialize" },
    );
  });
  afterEach(() => tested.dispose());

  const inputsOf = <T>(command: string) => sent.filter((one) => one.command === command).map(({ input }) => input as T);

  it("arrive whole, whatever the sizes of the writes", async () => {
    const content = randomBytes(3 * limits.storePartBytes + 12_345);
    const writer = await store.openWrite("acme/a", newTransferId());
    for (let start = 0, size = 1; start < content.length; start += size, size = (size * 7) % 3_000_017) {
      await writer.write(content.subarray(start, start + size));
    }
    const entry = await writer.publish({});
    assert.deepEqual(entry, await store.stat("acme/a"));
    const read = Buffer.alloc(content.length);
    const reader = await store.openRead("acme/a");
    for (let start = 0; start < read.length; start += 1_000_000) {
      await reader.read(read.subarray(start, start + 1_000_000), start);
    }
    await reader.close();
    assert.equal(sha256(read), sha256(content));
  });

  it("of one whole part are one PutObject", async () => {
    const writer = await store.openWrite("a", newTransferId());
    await writer.write(Buffer.alloc(limits.storePartBytes));
    await writer.publish({});
    assert.equal(inputsOf("PutObject").length, 1);
    assert.equal(inputsOf("CreateMultipartUpload").length, 0);
  });

  it("carry the checksum of each part, and the size of the whole at the end", async () => {
    const content = randomBytes(limits.storePartBytes + 10);
    const writer = await store.openWrite("a", newTransferId());
    await writer.write(content);
    await writer.publish({});
    const parts = inputsOf<UploadPartCommandInput>("UploadPart");
    const checksums = [content.subarray(0, limits.storePartBytes), content.subarray(limits.storePartBytes)].map(
      crc32Of,
    );
    assert.deepEqual(
      parts.map(({ ChecksumCRC32 }) => ChecksumCRC32),
      checksums,
    );
    const [end] = inputsOf<CompleteMultipartUploadCommandInput>("CompleteMultipartUpload");
    assert.equal(end?.MpuObjectSize, content.length);
    assert.deepEqual(
      end?.MultipartUpload?.Parts?.map(({ ChecksumCRC32 }) => ChecksumCRC32),
      checksums,
    );
    await put(store, "b", "content");
    assert.equal(inputsOf<PutObjectCommandInput>("PutObject")[0]?.ChecksumCRC32, crc32Of(Buffer.from("content")));
  });

  it("say their conditions with the request that publishes", async () => {
    const conditionsOf = (command: string) =>
      inputsOf<PutObjectCommandInput>(command).map(({ IfMatch, IfNoneMatch }) => [IfMatch, IfNoneMatch]);
    const { etag } = await put(store, "a", "content", { exclusive: true });
    await put(store, "a", "content", { replacesEtag: etag });
    assert.deepEqual(conditionsOf("PutObject"), [
      [undefined, "*"],
      [`"${etag}"`, undefined],
    ]);
    const large = async (options: { exclusive?: boolean; replacesEtag?: string }) => {
      const writer = await store.openWrite("b", newTransferId());
      await writer.write(Buffer.alloc(limits.storePartBytes + 1));
      return writer.publish(options);
    };
    const { etag: second } = await large({ exclusive: true });
    await large({ replacesEtag: second });
    assert.deepEqual(conditionsOf("CompleteMultipartUpload"), [
      [undefined, "*"],
      [`"${second}"`, undefined],
    ]);
  });

  it("are renamed and removed by their version", async () => {
    const { etag } = await put(store, "a", "content");
    await store.move("a", "b", { overwrite: false });
    const [copy] = inputsOf<CopyObjectCommandInput>("CopyObject");
    assert.deepEqual([copy?.CopySourceIfMatch, copy?.IfNoneMatch], [`"${etag}"`, "*"]);
    await store.remove("b", "file", { etag });
    const removals = inputsOf<DeleteObjectCommandInput>("DeleteObject");
    assert.deepEqual(
      removals.map(({ IfMatch }) => IfMatch),
      [`"${etag}"`, `"${etag}"`],
    );
  });

  it("leave the encryption to the bucket, unless another one is asked for", async () => {
    await put(store, "a", "content");
    assert.equal(inputsOf<PutObjectCommandInput>("PutObject")[0]?.ServerSideEncryption, undefined);
    const encryption = { ServerSideEncryption: "aws:kms", SSEKMSKeyId: "alias/files" } as const;
    const encrypting = tested.open({ encryption });
    await put(encrypting, "b", "content");
    const writer = await encrypting.openWrite("c", newTransferId());
    await writer.write(Buffer.alloc(limits.storePartBytes + 1));
    await writer.publish({});
    await encrypting.copy("b", "d", { overwrite: false });
    for (const command of ["CreateMultipartUpload", "CopyObject"]) {
      assert.equal(inputsOf<PutObjectCommandInput>(command)[0]?.SSEKMSKeyId, "alias/files");
    }
    assert.equal(inputsOf<PutObjectCommandInput>("PutObject")[1]?.SSEKMSKeyId, "alias/files");
  });

  it("over 5 GiB are copied in parts, on the version that was looked at", async () => {
    const size = 5 * GiB + 1;
    const answers: Readonly<Record<string, object>> = {
      HeadObject: { ContentLength: size, ETag: '"e"', Metadata: { mtime: "1.000" }, $metadata: {} },
      ListObjectsV2: { $metadata: {} },
      CreateMultipartUpload: { UploadId: "u", $metadata: {} },
      UploadPartCopy: { CopyPartResult: { ETag: '"p"' }, $metadata: {} },
      CompleteMultipartUpload: { ETag: '"copy-6"', $metadata: {} },
    };
    const client = tested.client;
    client.middlewareStack.add(
      (next, { commandName = "" }) =>
        async (args) => {
          const answer = answers[commandName.replace("Command", "")];
          return answer ? { output: answer as { $metadata: object }, response: {} } : next(args);
        },
      { step: "initialize", priority: "low", name: "answers" },
    );
    const entry = await store.copy("a", "b", { overwrite: true });
    client.middlewareStack.remove("answers");
    assert.deepEqual([entry.etag, entry.size], ["copy-6", size]);
    const parts = inputsOf<UploadPartCopyCommandInput>("UploadPartCopy");
    assert.deepEqual(
      parts.map(({ CopySourceRange }) => CopySourceRange).sort(),
      [0, 1, 2, 3, 4]
        .map((index) => `bytes=${index * GiB}-${(index + 1) * GiB - 1}`)
        .concat(`bytes=${5 * GiB}-${5 * GiB}`),
    );
    assert.ok(parts.every(({ CopySourceIfMatch, UploadId }) => CopySourceIfMatch === '"e"' && UploadId === "u"));
  });

  it("leave nothing behind when they are given up", async () => {
    const id = newTransferId();
    const writer = await store.openWrite("a", id);
    await writer.write(Buffer.alloc(2 * limits.storePartBytes + 1));
    await writer.abort();
    assert.equal(inputsOf("AbortMultipartUpload").length, 1);
    assert.equal(await settle(store, "a", id), "unpublished");
    assert.equal(await store.stat("a"), undefined);
  });

  it("keep their outcome in a bucket with versions when they were replaced before anybody asked", async () => {
    const versioned = await createS3StoreUnderTest({ keepsVersions: true });
    const id = newTransferId();
    const { bucket, client } = versioned;
    await (await writerWith(versioned.store, "a", "first", id)).publish({});
    await put(versioned.store, "a", "second");
    // As if the process had died before it put the end on record.
    await versioned.staging.add({ ...staged(id, "tested"), objectKey: "a" });
    assert.equal(await versioned.store.outcomeOf("a", id), "published");
    assert.equal(await get(versioned.store, "a"), "second");
    assert.ok(bucket !== tested.bucket && client !== tested.client);
    await versioned.dispose();
  });

  it("of processes that live are left alone, those of dead ones are not", async () => {
    const [mine, theirs] = [newTransferId(), newTransferId()];
    await tested.open({ owner: "one" }).openWrite("a", mine);
    const other = await tested.open({ owner: "other" }).openWrite("b", theirs);
    const dead = new Set(["one"]);
    const next = tested.open({ owner: "next", isDead: async (owner) => dead.has(owner) });
    assert.deepEqual(await next.stagedUploads(), [mine]);
    await other.write(Buffer.from("content"));
    await other.publish({});
    dead.add("other");
    assert.deepEqual(await next.stagedUploads(), [mine]);
  });

  it("of a process that was taken for dead are not published", async () => {
    const id = newTransferId();
    const writer = await store.openWrite("a", id);
    await writer.write(Buffer.alloc(limits.storePartBytes + 1));
    await writer.flush();
    await tested.open({ owner: "next", isDead: async () => true }).discard(id);
    await refuses("unavailable", writer.publish({}));
    assert.equal(await store.stat("a"), undefined);
    assert.equal(await store.outcomeOf("a", id), "unpublished");
  });

  it("of a process that was taken for dead do not begin to send parts", async () => {
    const id = newTransferId();
    const writer = await store.openWrite("a", id);
    await tested.open({ owner: "next", isDead: async () => true }).discard(id);
    await refuses("unavailable", writer.write(Buffer.alloc(limits.storePartBytes + 1)));
    await writer.abort();
    assert.equal(inputsOf("AbortMultipartUpload").length, 1);
  });
});

function staged(transferId: string, owner: string) {
  return { transferId, owner, startedAtMs: Date.now(), multipartId: undefined, state: "open" } as const;
}

function sha256(content: Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}

function crc32Of(content: Buffer): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc32(content));
  return bytes.toString("base64");
}
