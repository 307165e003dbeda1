import assert from "node:assert/strict";
import type { IncomingMessage } from "node:http";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";
import { createS3Client } from "../../../adapters/aws/clients.ts";
import type { S3ObjectStore } from "../../../adapters/aws/s3-object-store.ts";
import { limits } from "../../../core/limits.ts";
import { get, put } from "../../contract/object-content.ts";
import { refuses } from "../../contract/refusal.ts";
import { type AwsServices, awsServerOrSkip, startAwsServices } from "../../support/aws-services.ts";
import { type FaultyHttp, startFaultyHttp } from "../../support/faulty-http.ts";
import { createS3StoreUnderTest, type S3StoreUnderTest } from "../../support/s3-store.ts";

const placeIn = (path: string) => /^\/?[^/]+\/(.+)$/.exec(decodeURIComponent(path))?.[1] ?? "";

/** The object that a request reads, be it to copy it. */
function readBy({ method = "", url = "", headers }: IncomingMessage): string {
  const [path = "", query = ""] = url.split("?");
  if (method === "PUT") return placeIn(`${headers["x-amz-copy-source"] ?? ""}`);
  return ["GET", "HEAD"].includes(method) && !query.includes("list-type") ? placeIn(path) : "";
}

describe("a file that nobody may read before its scan", { skip: awsServerOrSkip() }, () => {
  let services: AwsServices;
  let proxy: FaultyHttp;
  let tested: S3StoreUnderTest;
  let store: S3ObjectStore;
  /** What was found clean. */
  let clean: string[];
  before(async () => {
    services = await startAwsServices();
  });
  after(() => services.stop());
  beforeEach(async () => {
    clean = [];
    tested = await createS3StoreUnderTest();
    // S3 tells of what is not there by 404, because the role may list.
    const present = new Set<string>();
    proxy = await startFaultyHttp(services.endpoint, (request) => {
      const [path = ""] = (request.url ?? "").split("?");
      if (request.method === "PUT") present.add(placeIn(path));
      if (request.method === "DELETE") present.delete(placeIn(path));
      const read = readBy(request);
      return read.startsWith("scanned/") && present.has(read) && !clean.includes(read) ? "403" : "pass";
    });
    const isHeld = (objectKey: string) => objectKey.startsWith("scanned/");
    store = tested.open({ client: createS3Client({ endpoint: proxy.endpoint }), owner: "held", isHeld });
  });
  afterEach(async () => {
    await proxy.stop();
    await tested.dispose();
  });
  const isBeingScanned = { code: "unavailable", message: "the file is being scanned; try again in a moment" };

  it("is seen with its size, and cannot be read, renamed or copied until it is clean", async () => {
    await put(store, "scanned/a", "content");
    const entry = await store.stat("scanned/a");
    assert.deepEqual([entry?.type, entry?.size], ["file", 7]);
    assert.deepEqual(
      (await store.list("scanned", { limit: 10 })).entries.map(({ name }) => name),
      ["a"],
    );
    await assert.rejects(store.openRead("scanned/a"), isBeingScanned);
    await assert.rejects(store.move("scanned/a", "b", { overwrite: false }), isBeingScanned);
    await assert.rejects(store.copy("scanned/a", "b", { overwrite: false }), isBeingScanned);
    assert.equal(await store.stat("b"), undefined);
    clean.push("scanned/a");
    assert.equal((await get(store, "scanned/a")).toString(), "content");
  });

  it("can be replaced and removed, and leaves its folder", async () => {
    await store.createDirectory("scanned");
    await put(store, "scanned/a", "first");
    await put(store, "scanned/a", "second one");
    assert.equal((await store.stat("scanned/a"))?.size, 10);
    await store.ensureDirectory("scanned");
    await refuses("not-a-directory", put(store, "scanned/a/b", "below a file"));
    await refuses("already-exists", put(store, "scanned/a", "new only", { exclusive: true }));
    const large = "x".repeat(limits.storePartBytes + 1000);
    await put(store, "scanned/a", large, { modifiedAtMs: 1_000_000 });
    assert.equal((await store.stat("scanned/a"))?.size, large.length);
    await store.remove("scanned/a", "file");
    assert.deepEqual((await store.list("scanned", { limit: 10 })).entries, []);
  });

  it("is denied like everything else where nothing is scanned", async () => {
    const other = tested.open({ client: createS3Client({ endpoint: proxy.endpoint }), owner: "other" });
    await put(store, "scanned/a", "content");
    await refuses("permission-denied", other.openRead("scanned/a"));
  });
});
