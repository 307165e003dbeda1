import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";
import type { S3ObjectStore } from "../../../adapters/aws/s3-object-store.ts";
import { limits } from "../../../core/limits.ts";
import { newTransferId, put, settle, writerWith } from "../../contract/object-content.ts";
import { type AwsServices, awsOrSkip, startAwsServices } from "../../support/aws-services.ts";
import { testAccount } from "../../support/memory-ports.ts";
import { createS3StoreUnderTest, type S3StoreUnderTest } from "../../support/s3-store.ts";
import { loggedIn } from "../../support/session.ts";

const keep = { overwrite: false };
/** Longer than any of these tests takes. */
const recentMs = 60 * 60 * 1000;

/** The table in docs/aws/store.md, as what the SDK sends. */
describe("requests to S3", { skip: awsOrSkip() }, () => {
  let services: AwsServices;
  let tested: S3StoreUnderTest;
  let store: S3ObjectStore;
  let sent: string[];
  before(async () => {
    services = await startAwsServices();
  });
  after(() => services.stop());
  beforeEach(async () => {
    tested = await createS3StoreUnderTest({ options: { recentMs } });
    store = tested.store;
    sent = [];
    tested.client.middlewareStack.add(
      (next, { commandName }) =>
        (args) => {
          sent.push(commandName?.replace("Command", "") ?? "");
          return next(args);
        },
      { step: "initialize" },
    );
  });
  afterEach(() => tested.dispose());

  /** How many requests of each kind the operation needs; those before it do not count. */
  async function requestsOf(operation: () => Promise<unknown>): Promise<Record<string, number>> {
    sent.length = 0;
    await operation();
    const counts: Record<string, number> = {};
    for (const command of sent) counts[command] = (counts[command] ?? 0) + 1;
    return counts;
  }

  it("to stat", async () => {
    assert.deepEqual(await requestsOf(() => store.stat("acme/inbox/a")), { HeadObject: 1, ListObjectsV2: 1 });
  });

  it("to read a file that fits into the first one", async () => {
    await put(store, "acme/a", "content");
    const reading = async () => {
      const reader = await store.openRead("acme/a");
      await reader.read(Buffer.alloc(100), 0);
      await reader.close();
    };
    assert.deepEqual(await requestsOf(reading), { GetObject: 1 });
  });

  it("to read a larger file in sequence", async () => {
    const writer = await store.openWrite("acme/a", newTransferId());
    await writer.write(Buffer.alloc(limits.storeFirstReadBytes + 2 * limits.storeReadBytes));
    await writer.publish({});
    const reading = async () => {
      const reader = await store.openRead("acme/a");
      const target = Buffer.alloc(255 * 1024);
      for (let position = 0; position < reader.entry.size; ) position += await reader.read(target, position);
      await reader.close();
    };
    assert.deepEqual(await requestsOf(reading), { GetObject: 3 });
  });

  it("to upload a file that fits into the first part", async () => {
    const uploading = async () => (await writerWith(store, "acme/inbox/a", "content")).publish({ modifiedAtMs: 1000 });
    assert.deepEqual(await requestsOf(uploading), { HeadObject: 2, ListObjectsV2: 1, PutObject: 1 });
  });

  it("to upload small files one after the other into a folder, as a client does", async () => {
    await store.ensureDirectory("tester/inbox");
    const { session } = await loggedIn([testAccount()], { objects: store });
    const upload = async (name: string, mode: "replace" | "create") => {
      const uploading = await session.upload(`/inbox/${name}`, { mode });
      await uploading.append(Buffer.from("content"));
      await uploading.commit();
    };
    await upload("a", "replace");
    assert.deepEqual(await requestsOf(() => upload("b", "replace")), { ListObjectsV2: 1, PutObject: 1 });
    // What must not be there is looked for.
    const looking = { HeadObject: 1, ListObjectsV2: 1, PutObject: 1 };
    assert.deepEqual(await requestsOf(() => upload("c", "create")), looking);
  });

  it("to upload a larger file, without and with a time of its own", async () => {
    const upload = async (modifiedAtMs?: number) => {
      const writer = await store.openWrite("acme/inbox/a", newTransferId());
      await writer.write(Buffer.alloc(2 * limits.storePartBytes + 1));
      await writer.publish({ modifiedAtMs });
    };
    const requests = { CreateMultipartUpload: 1, UploadPart: 3, CompleteMultipartUpload: 1 };
    const checks = { HeadObject: 2, ListObjectsV2: 1 };
    assert.deepEqual(await requestsOf(() => upload()), { ...checks, ...requests });
    // The names are known by then.
    const copying = { CopyObject: 1, HeadObject: 1 };
    assert.deepEqual(await requestsOf(() => upload(1000)), { ...requests, ...copying });
    assert.equal((await store.stat("acme/inbox/a"))?.modifiedAtMs, 1000);
  });

  it("to give an upload up", async () => {
    const small = await writerWith(store, "a", "content");
    assert.deepEqual(await requestsOf(() => small.abort()), {});
    const id = newTransferId();
    const large = await store.openWrite("a", id);
    await large.write(Buffer.alloc(limits.storePartBytes + 1));
    await large.flush();
    assert.deepEqual(await requestsOf(() => large.abort()), { AbortMultipartUpload: 1 });
    assert.equal(await settle(store, "a", id), "unpublished");
  });

  it("to keep an upload and to go on with it", async () => {
    const [id, next] = [newTransferId(), newTransferId()];
    const writer = await store.openWrite("acme/a", id);
    await writer.write(Buffer.alloc(2 * limits.storePartBytes + 1));
    await writer.flush();
    assert.deepEqual(await requestsOf(() => writer.keep()), {});
    assert.deepEqual(await requestsOf(() => store.keep(id)), { ListParts: 1 });
    const goOn = async () => {
      const reopened = await store.reopenWrite("acme/a", next, { transferId: id, bytes: 2 * limits.storePartBytes });
      await reopened.write(Buffer.from("end"));
      await reopened.publish({});
    };
    // The names are known by then.
    assert.deepEqual(await requestsOf(goOn), { ListParts: 1, UploadPart: 1, CompleteMultipartUpload: 1 });
  });

  it("to list", async () => {
    for (const name of ["a", "b", "c/d"]) await put(store, `folder/${name}`, "content");
    assert.deepEqual(await requestsOf(() => store.list("folder", { limit: 1000 })), { ListObjectsV2: 1 });
    assert.deepEqual(await requestsOf(() => store.list("folder", { limit: 1, after: "a" })), { ListObjectsV2: 1 });
  });

  it("to make folders", async () => {
    await store.createDirectory("a");
    const requests = { HeadObject: 2, ListObjectsV2: 2, PutObject: 1 };
    assert.deepEqual(await requestsOf(() => store.createDirectory("a/b")), requests);
  });

  it("to remove a file and a folder", async () => {
    await store.createDirectory("a");
    await put(store, "a/b/c", "content");
    await store.createDirectory("a/d");
    // The folder is made to stay by the first removal only.
    assert.deepEqual(await requestsOf(() => store.remove("a/b/c", "file")), {
      HeadObject: 2,
      PutObject: 1,
      DeleteObject: 1,
    });
    await put(store, "a/b/c", "content");
    assert.deepEqual(await requestsOf(() => store.remove("a/b/c", "file")), { HeadObject: 2, DeleteObject: 1 });
    const requests = { HeadObject: 1, ListObjectsV2: 1, DeleteObject: 1 };
    assert.deepEqual(await requestsOf(() => store.remove("a/d", "directory")), requests);
  });

  it("to copy and to rename a file", async () => {
    await store.createDirectory("x");
    await store.createDirectory("y");
    await put(store, "x/a", "content");
    const lookUps = { HeadObject: 3, ListObjectsV2: 3 };
    assert.deepEqual(await requestsOf(() => store.copy("x/a", "y/b", keep)), { ...lookUps, CopyObject: 1 });
    assert.deepEqual(await requestsOf(() => store.move("x/a", "y/c", keep)), {
      HeadObject: 6,
      ListObjectsV2: 4,
      CopyObject: 1,
      DeleteObject: 1,
    });
  });

  it("to rename a folder", async () => {
    for (const folder of ["p", "p/x"]) await store.createDirectory(folder);
    for (const name of ["a", "b", "c/d"]) await put(store, `p/x/${name}`, "content");
    assert.deepEqual(await requestsOf(() => store.move("p/x", "p/y", keep)), {
      HeadObject: 5,
      ListObjectsV2: 6,
      PutObject: 1,
      CopyObject: 4,
      DeleteObjects: 1,
    });
  });

  it("to set a time", async () => {
    await put(store, "a", "content");
    assert.deepEqual(await requestsOf(() => store.setModified("a", 1000)), { HeadObject: 1, CopyObject: 1 });
  });
});
