import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { after, before, beforeEach, describe, it, type TestContext } from "node:test";
import { ListMultipartUploadsCommand } from "@aws-sdk/client-s3";
import { createDynamoPendingUploadStore } from "../../../adapters/aws/dynamo-pending-uploads.ts";
import { limits } from "../../../core/limits.ts";
import { get } from "../../contract/object-content.ts";
import { basic, startApi } from "../../protocols/http/rig.ts";
import { type AwsServices, awsOrSkip, startAwsServices } from "../../support/aws-services.ts";
import { createS3StoreUnderTest, type S3StoreUnderTest } from "../../support/s3-store.ts";

interface Pending {
  readonly uploadId: string;
  readonly partSizeBytes: number;
  readonly partUrl: string;
  readonly parts: readonly unknown[];
}

/** The API of uploads in parts over S3: the parts go there by themselves. */
describe("parts that go straight to S3", { skip: awsOrSkip() }, () => {
  let services: AwsServices;
  let tested: S3StoreUnderTest;
  before(async () => {
    services = await startAwsServices();
  });
  after(() => services.stop());
  beforeEach(async (t) => {
    tested = await createS3StoreUnderTest();
    (t as TestContext).after(() => tested.dispose());
  });

  async function startUploads(t: TestContext) {
    const uploadStores = { uploads: createDynamoPendingUploadStore(tested.table), parts: tested.store.directParts };
    const api = await startApi(t, { objects: tested.store, uploadStores });
    await tested.store.createDirectory("acme");
    const ask = (method: string, target: string, body?: unknown, headers: Record<string, string> = {}) =>
      fetch(api.url + target, {
        method,
        headers: { authorization: basic("acme"), "content-type": "application/json", ...headers },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
    const start = async (body: object) => {
      const response = await ask("POST", "/v1/uploads", body);
      assert.equal(response.status, 201);
      return (await response.json()) as Pending;
    };
    /** As a client without a login, which follows the redirect. */
    const send = async (upload: Pending, partNumber: number, content: Buffer) => {
      const url = api.url + upload.partUrl.replace("{partNumber}", `${partNumber}`);
      const response = await fetch(url, { method: "PUT", body: content });
      return response.status;
    };
    const complete = (uploadId: string, headers = {}) =>
      ask("POST", `/v1/uploads/${uploadId}/complete`, undefined, headers);
    return { ...api, ask, start, send, complete };
  }

  const multipartUploads = async () => {
    const { Uploads = [] } = await tested.client.send(new ListMultipartUploadsCommand({ Bucket: tested.bucket }));
    return Uploads.length;
  };

  it("become one file there, with one transfer on record and without its SHA-256", async (t) => {
    const { ask, start, send, complete, events, types } = await startUploads(t as TestContext);
    const content = randomBytes(2 * limits.storeSmallestPartBytes + 10);
    const upload = await start({ path: "/large", bytes: content.length, partSizeBytes: 1 });
    assert.equal(upload.partSizeBytes, limits.storeSmallestPartBytes);
    for (const partNumber of [3, 1, 2]) {
      const from = (partNumber - 1) * upload.partSizeBytes;
      assert.equal(await send(upload, partNumber, content.subarray(from, from + upload.partSizeBytes)), 200);
    }
    const seen = (await (await ask("GET", `/v1/uploads/${upload.uploadId}`)).json()) as Pending;
    assert.deepEqual(
      seen.parts,
      [upload.partSizeBytes, upload.partSizeBytes, 10].map((bytes, index) => ({ partNumber: index + 1, bytes })),
    );
    assert.equal(await tested.store.stat("acme/large"), undefined);
    const response = await complete(upload.uploadId);
    const receipt = (await response.json()) as Record<string, unknown>;
    assert.deepEqual([response.status, receipt.bytes, receipt.sha256], [201, content.length, undefined]);
    const entry = await tested.store.stat("acme/large");
    assert.equal(entry?.etag, receipt.etag);
    const read = Buffer.from(await (await ask("GET", "/v1/files?path=/large")).arrayBuffer());
    assert.equal(sha256(read), sha256(content));
    assert.equal(types().filter((type) => type === "transfer.completed").length, 2);
    const completed = events.find(({ type, data }) => type === "transfer.completed" && data.direction === "upload");
    assert.deepEqual([completed?.data.bytes, completed?.data.transferId], [content.length, receipt.transferId]);
    assert.equal((await ask("GET", `/v1/uploads/${upload.uploadId}`)).status, 404);
    assert.deepEqual([await multipartUploads(), await tested.store.stagedUploads()], [0, []]);
  });

  it("have URLs of S3 for clients that follow no redirects", async (t) => {
    const { ask, start, complete } = await startUploads(t as TestContext);
    const { uploadId } = await start({ path: "/a" });
    const response = await ask("GET", `/v1/uploads/${uploadId}/part-urls?first=1&count=2`);
    const { urls } = (await response.json()) as { urls: { partNumber: number; url: string }[] };
    assert.deepEqual(
      urls.map(({ partNumber }) => partNumber),
      [1, 2],
    );
    const url = new URL(urls[0]?.url ?? "");
    const { AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_S3 = AWS_ENDPOINT_URL } = process.env;
    assert.ok(url.host.endsWith(new URL(AWS_ENDPOINT_URL_S3 ?? "https://amazonaws.com").host));
    assert.equal(url.searchParams.get("X-Amz-Expires"), `${limits.partUrlMs / 1000}`);
    assert.equal((await fetch(url, { method: "PUT", body: "content" })).status, 200);
    assert.equal((await complete(uploadId)).status, 201);
    assert.equal(await get(tested.store, "acme/a"), "content");
  });

  it("stay when the file cannot be published, and can be sent again", async (t) => {
    const { ask, start, send, complete, types } = await startUploads(t as TestContext);
    const upload = await start({ path: "/a" });
    assert.equal((await complete(upload.uploadId)).status, 422);
    await send(upload, 1, Buffer.from("small"));
    await send(upload, 2, Buffer.from("last"));
    assert.equal((await complete(upload.uploadId)).status, 400);
    assert.equal((await complete(upload.uploadId, { "repr-digest": `sha-256=:${"A".repeat(43)}=:` })).status, 422);
    await send(upload, 1, Buffer.alloc(limits.storeSmallestPartBytes, "a"));
    const headers = { "if-none-match": "*" };
    assert.equal((await complete(upload.uploadId, headers)).status, 201);
    assert.equal((await tested.store.stat("acme/a"))?.size, limits.storeSmallestPartBytes + 4);
    assert.ok(types().includes("transfer.aborted"));
    const second = await start({ path: "/a" });
    await send(second, 1, Buffer.from("second"));
    assert.equal((await complete(second.uploadId, headers)).status, 412);
    assert.equal((await ask("DELETE", `/v1/uploads/${second.uploadId}`)).status, 204);
    assert.equal(await multipartUploads(), 0);
  });

  it("are not what is left of a crash", async (t) => {
    const { start, send, complete } = await startUploads(t as TestContext);
    const upload = await start({ path: "/a" });
    await send(upload, 1, Buffer.from("content"));
    const next = tested.open({ owner: "next", isDead: async () => true });
    assert.deepEqual(await next.stagedUploads(), []);
    // A process that dies while it puts them together leaves them to the next try.
    await tested.store.directParts.assemble(upload.uploadId, "lost", [{ partNumber: 1, bytes: 7 }]);
    assert.deepEqual(await next.stagedUploads(), ["lost"]);
    assert.equal(await next.outcomeOf("acme/a", "lost"), "unpublished");
    await next.discard("lost");
    assert.equal((await complete(upload.uploadId)).status, 201);
    assert.equal(await get(tested.store, "acme/a"), "content");
  });
});

function sha256(content: Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}
