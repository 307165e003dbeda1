import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { ListMultipartUploadsCommand } from "@aws-sdk/client-s3";
import { createS3Client } from "../../../adapters/aws/clients.ts";
import type { S3ObjectStore } from "../../../adapters/aws/s3-object-store.ts";
import { FileError } from "../../../core/errors.ts";
import { limits } from "../../../core/limits.ts";
import type { ObjectStore, PublishOptions } from "../../../ports/object-store.ts";
import { get, newTransferId, put, settle } from "../../contract/object-content.ts";
import { refuses } from "../../contract/refusal.ts";
import { type AwsServices, awsServerOrSkip, startAwsServices } from "../../support/aws-services.ts";
import { type Fault, type FaultyHttp, startFaultyHttp } from "../../support/faulty-http.ts";
import { randomFrom } from "../../support/random.ts";
import { createS3StoreUnderTest, type S3StoreUnderTest } from "../../support/s3-store.ts";

const settleMs = 300;
const large = limits.storePartBytes + 1000;

describe("S3 with faults", { skip: awsServerOrSkip() }, () => {
  let services: AwsServices;
  let proxy: FaultyHttp;
  let tested: S3StoreUnderTest;
  /** Through the proxy; `tested.store` goes straight to S3. */
  let store: S3ObjectStore;
  let faultOf: (request: IncomingMessage) => Fault;
  before(async () => {
    services = await startAwsServices();
  });
  after(() => services.stop());
  beforeEach(async () => {
    faultOf = () => "pass";
    proxy = await startFaultyHttp(services.endpoint, (request) => faultOf(request));
    tested = await createS3StoreUnderTest({ options: { settleMs } });
    store = tested.open({ client: createS3Client({ endpoint: proxy.endpoint, idleMs: 400 }), owner: "faulty" });
  });
  afterEach(async () => {
    await proxy.stop();
    await tested.dispose();
  });

  /** The first requests that are meant get these faults, one after the other. */
  function faultsOn(isMeant: (request: IncomingMessage) => boolean, ...faults: readonly Fault[]): void {
    const left = [...faults];
    faultOf = (request) => (isMeant(request) ? (left.shift() ?? "pass") : "pass");
  }

  async function upload(
    objectKey: string,
    content: Buffer,
    options: PublishOptions = {},
  ): Promise<"published" | "unpublished"> {
    const transferId = newTransferId();
    const writer = await store.openWrite(objectKey, transferId);
    try {
      await writer.write(content);
      await writer.publish(options);
      return "published";
    } catch (error) {
      assert.ok(error instanceof FileError, String(error));
      // On a slow machine a request that nobody waits for has its effect later than the store reckons with.
      await proxy.answered();
      return settledOf(store, objectKey, transferId);
    }
  }

  it("publishes once when the answer to PutObject is lost, also on a condition", async () => {
    for (const options of [{}, { exclusive: true }]) {
      const objectKey = `acme/${JSON.stringify(options)}`;
      faultsOn(isPut, "lose-answer");
      const entry = await put(store, objectKey, "content", options);
      assert.deepEqual(await tested.store.stat(objectKey), entry);
    }
    const { etag } = await put(store, "a", "first");
    faultsOn(isPut, "lose-answer");
    await put(store, "a", "second", { replacesEtag: etag });
    assert.equal(await get(tested.store, "a"), "second");
  });

  it("publishes once when the answer to CompleteMultipartUpload is lost", async () => {
    for (const faults of [["lose-answer"], ["503", "lose-answer", "lose-answer", "hang", "break"]] as const) {
      faultsOn(isComplete, ...faults);
      assert.equal(await upload("a", Buffer.alloc(large, "x"), { exclusive: faults.length === 1 }), "published");
      assert.equal((await tested.store.stat("a"))?.size, large);
    }
  });

  it("publishes once when CompleteMultipartUpload fails behind a status of 200, done or not", async () => {
    for (const faults of [
      ["error-in-200"],
      ["done-and-error-in-200"],
      ["error-in-200", "done-and-error-in-200"],
    ] as const) {
      faultsOn(isComplete, ...faults);
      assert.equal(await upload("a", Buffer.alloc(large, "x"), { exclusive: faults.length === 2 }), "published");
      assert.equal((await tested.store.stat("a"))?.size, large);
      await tested.store.remove("a", "file");
    }
    faultOf = (request) => (isComplete(request) ? "error-in-200" : "pass");
    assert.equal(await upload("a", Buffer.alloc(large)), "unpublished");
    assert.equal(await tested.store.stat("a"), undefined);
  });

  it("copies and renames whole when CopyObject fails behind a status of 200, or not at all", async () => {
    const isCopy = ({ headers }: IncomingMessage) => headers["x-amz-copy-source"] !== undefined;
    await put(tested.store, "a", "content");
    faultsOn(isCopy, "error-in-200", "done-and-error-in-200");
    await store.move("a", "b", { overwrite: false });
    assert.equal(await get(tested.store, "b"), "content");
    assert.equal(await tested.store.stat("a"), undefined);
    faultOf = (request) => (isCopy(request) ? "error-in-200" : "pass");
    await refuses("unavailable", store.move("b", "c", { overwrite: false }));
    assert.equal(await get(tested.store, "b"), "content");
    assert.equal(await tested.store.stat("c"), undefined);
  });

  it("says that it cannot do it now when credentials have expired or the clock is wrong", async () => {
    for (const fault of ["expired-token", "skewed-clock"] as const) {
      faultOf = (request) => (isPut(request) ? fault : "pass");
      await refuses("unavailable", put(store, fault, "content"));
      faultOf = () => "pass";
      assert.equal(await tested.store.stat(fault), undefined);
      await put(store, fault, "content");
      assert.equal(await get(tested.store, fault), "content");
    }
  });

  it("waits for what comes slowly, as long as it comes", async () => {
    const content = randomBytes(limits.storeReadBytes);
    const writer = await tested.store.openWrite("a", newTransferId());
    await writer.write(content);
    await writer.publish({});
    faultOf = ({ method }) => (method === "GET" ? "slow-answer" : "pass");
    const reader = await store.openRead("a");
    const target = Buffer.alloc(content.length);
    for (let position = 0; position < target.length; ) {
      position += await reader.read(target.subarray(position), position);
    }
    assert.ok(target.equals(content));
    await reader.close();
  });

  it("says published of a lost CompleteMultipartUpload also when the file has been replaced since", async () => {
    const transferId = newTransferId();
    const writer = await store.openWrite("a", transferId);
    await writer.write(Buffer.alloc(large));
    faultOf = (request) => (isComplete(request) ? "lose-answer" : request.method === "HEAD" ? "503" : "pass");
    await refuses("unavailable", writer.publish({}));
    await put(tested.store, "a", "replaced");
    assert.equal(await settle(tested.open({ owner: "next" }), "a", transferId), "published");
    assert.equal(await get(tested.store, "a"), "replaced");
  });

  it("does not guess while an unanswered PutObject may still take effect", async (context) => {
    const minuteMs = 60_000;
    const client = createS3Client({ endpoint: proxy.endpoint, idleMs: 400 });
    const patient = tested.open({ client, owner: "patient", settleMs: minuteMs });
    const transferId = newTransferId();
    const writer = await patient.openWrite("a", transferId);
    await writer.write(Buffer.from("content"));
    faultsOn(isPut, "hang", "hang", "hang", "hang");
    await refuses("unavailable", writer.publish({}));
    await refuses("unavailable", patient.outcomeOf("a", transferId));
    const { now } = Date;
    context.mock.method(Date, "now", () => now() + minuteMs);
    assert.equal(await patient.outcomeOf("a", transferId), "unpublished");
  });

  it("publishes nothing when S3 refuses every part", async () => {
    faultOf = (request) => (/partNumber=/.test(request.url ?? "") ? "503" : "pass");
    assert.equal(await upload("a", Buffer.alloc(large)), "unpublished");
    assert.equal(await tested.store.stat("a"), undefined);
  });

  it("goes on where the connection of a download broke", async () => {
    const content = randomBytes(3 * limits.storeReadBytes);
    const writer = await tested.store.openWrite("a", newTransferId());
    await writer.write(content);
    await writer.publish({});
    faultsOn(
      (request) => request.method === "GET" && request.headers.range !== undefined,
      "cut-answer",
      "503",
      "cut-answer",
      "hang",
      "cut-answer",
    );
    const reader = await store.openRead("a");
    const target = Buffer.alloc(content.length);
    await reader.read(target, 0);
    assert.ok(target.equals(content));
    await reader.close();
  });

  it("fails a download whose file is replaced, and never mixes two", async () => {
    const content = Buffer.alloc(4 * limits.storeReadBytes, "a");
    const write = async (bytes: Buffer) => {
      const writer = await tested.store.openWrite("a", newTransferId());
      await writer.write(bytes);
      return writer.publish({});
    };
    await write(content);
    const reader = await store.openRead("a");
    const target = Buffer.alloc(1000);
    await reader.read(target, 0);
    await write(Buffer.alloc(content.length, "b"));
    await refuses("precondition-failed", reader.read(target, 3 * limits.storeReadBytes));
    await reader.read(target, 0);
    assert.ok(target.equals(content.subarray(0, 1000)));
    await reader.close();
  });

  for (const seed of [1, 2, 3]) {
    it(`loses nothing acknowledged and shows nothing else, seed ${seed}`, async () => {
      const random = randomFrom(seed);
      const expected = new Map<string, Buffer>();
      for (let step = 0; step < 25; step += 1) {
        const objectKey = `acme/${Math.floor(random() * 3)}`;
        const content = Buffer.alloc(random() < 0.3 ? large + step : 1000 + step, String(step));
        // An id that S3 gave and nobody heard is for the bucket's lifecycle rule to clear away.
        faultOf = (request) => (random() < 0.25 && !isCreate(request) ? drawn(random, request) : "pass");
        const outcome = await upload(objectKey, content).catch((error: unknown) => error);
        faultOf = () => "pass";
        if (outcome === "published") expected.set(objectKey, content);
        else if (outcome !== "unpublished") await refuses("unavailable", Promise.reject(outcome));
        await assertShown(tested.store, objectKey, expected.get(objectKey));
      }
      await assertNothingLeft(tested);
    });
  }
});

const isPut = ({ method, url = "" }: IncomingMessage) => method === "PUT" && !url.includes("partNumber");
const isCreate = ({ method, url = "" }: IncomingMessage) => method === "POST" && url.includes("uploads");
const isComplete = ({ method, url = "" }: IncomingMessage) => method === "POST" && url.includes("uploadId");

function drawn(random: () => number, request: IncomingMessage): Fault {
  const faults = ["500", "503", "break", "lose-answer", "cut-answer", "done-and-error-in-200", "hang"] as const;
  const fault = faults[Math.floor(random() * faults.length)] ?? "500";
  // S3 begins no other answer before it knows: with it, a HEAD of nothing would have found something.
  return fault === "done-and-error-in-200" && !isComplete(request) ? "lose-answer" : fault;
}

/** As the session does it: asks until the store can say. */
async function settledOf(
  store: ObjectStore,
  objectKey: string,
  transferId: string,
): Promise<"published" | "unpublished"> {
  for (;;) {
    try {
      return await settle(store, objectKey, transferId);
    } catch (error) {
      if (!(error instanceof FileError && error.code === "unavailable")) throw error;
      await delay(settleMs / 3);
    }
  }
}

async function assertShown(store: ObjectStore, objectKey: string, content: Buffer | undefined): Promise<void> {
  const entry = await store.stat(objectKey);
  assert.equal(entry?.size, content?.length);
  if (!content) return;
  const reader = await store.openRead(objectKey);
  const target = Buffer.alloc(content.length);
  await reader.read(target, 0);
  await reader.close();
  assert.ok(target.equals(content));
}

/** After recovery by another process there is neither a record nor a part of any upload. */
async function assertNothingLeft({ open, client, bucket, staging }: S3StoreUnderTest): Promise<void> {
  const next = open({ owner: "next", isDead: async () => true });
  for (const transferId of await next.stagedUploads()) await next.discard(transferId);
  assert.deepEqual(await staging.unpublished(), []);
  const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
  assert.deepEqual(Uploads, []);
}
