import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";
import { RecentNames } from "../../../adapters/aws/s3-recent-names.ts";
import { limits } from "../../../core/limits.ts";
import type { ObjectStore } from "../../../ports/object-store.ts";
import { newTransferId, put, writerWith } from "../../contract/object-content.ts";
import { refuses } from "../../contract/refusal.ts";
import { type AwsServices, awsOrSkip, startAwsServices } from "../../support/aws-services.ts";
import { createS3StoreUnderTest, type S3StoreUnderTest } from "../../support/s3-store.ts";

const hourMs = 60 * 60 * 1000;

describe("names that S3 was asked about moments ago", () => {
  const seen = (names: RecentNames, ...facts: Parameters<RecentNames["knows"]>[]) => {
    for (const [fact, objectKey] of facts) names.see(fact, objectKey, names.now());
  };

  it("are known until that is too old", () => {
    for (const [recentMs, isKnown] of [
      [hourMs, true],
      [0, false],
    ] as const) {
      const names = new RecentNames(recentMs);
      seen(names, ["folder", "a"]);
      assert.equal(names.knows("folder", "a"), isKnown);
      assert.equal(names.knows("no-folder", "a"), false);
      assert.equal(names.knows("folder", "b"), false);
    }
  });

  it("are other ones once this process has put a file there", () => {
    const names = new RecentNames(hourMs);
    seen(names, ["folder", "a/b"], ["no-file", "a/b"], ["no-folder", "a"], ["no-folder", "a/b"], ["folder", "a"]);
    names.made("a/b");
    assert.deepEqual([names.knows("folder", "a/b"), names.knows("no-file", "a/b")], [false, false]);
    assert.deepEqual([names.knows("no-folder", "a"), names.knows("no-folder", "a/b")], [false, true]);
    assert.equal(names.knows("folder", "a"), true);
  });

  it("are other ones once this process has made a folder", () => {
    const names = new RecentNames(hourMs);
    seen(names, ["no-folder", "a"], ["no-folder", "a/b"], ["no-file", "a/b"]);
    names.made("a/b/");
    assert.deepEqual([names.knows("no-folder", "a"), names.knows("no-folder", "a/b")], [false, false]);
    assert.equal(names.knows("no-file", "a/b"), true);
  });

  it("are not known by an answer to a question from before the change", () => {
    const names = new RecentNames(hourMs);
    const askedAtMs = names.now();
    names.made("a/b");
    names.see("no-folder", "a", askedAtMs);
    assert.equal(names.knows("no-folder", "a"), false);
    names.forgetAll();
    names.see("folder", "c", askedAtMs);
    assert.equal(names.knows("folder", "c"), false);
  });

  it("are kept up to a number, and none is wrong behind it", () => {
    const names = new RecentNames(hourMs);
    seen(names, ["folder", "first"], ["no-folder", "x"]);
    names.made("x/");
    for (let count = 0; count < limits.storeRecentNames; count += 1) names.made(`other-${count}/`);
    seen(names, ["no-file", "last"]);
    assert.equal(names.knows("no-folder", "x"), false);
    assert.equal(names.knows("folder", "first"), false);
    for (let count = 0; count < limits.storeRecentNames; count += 1) seen(names, ["no-file", `other-${count}`]);
    assert.equal(names.knows("no-file", "last"), false);
  });
});

describe("an S3 store that remembers names", { skip: awsOrSkip() }, () => {
  let services: AwsServices;
  let tested: S3StoreUnderTest;
  let store: ObjectStore;
  before(async () => {
    services = await startAwsServices();
  });
  after(() => services.stop());
  beforeEach(async () => {
    tested = await createS3StoreUnderTest({ options: { recentMs: hourMs } });
    store = tested.store;
    await store.createDirectory("acme");
    await store.createDirectory("acme/inbox");
    assert.equal((await store.stat("acme/inbox", { recentFolder: true }))?.type, "directory");
  });
  afterEach(() => tested.dispose());

  const recent = (objectKey: string) => store.stat(objectKey, { recentFolder: true });

  it("knows that it has removed or renamed a folder", async () => {
    await store.remove("acme/inbox", "directory");
    assert.equal(await recent("acme/inbox"), undefined);
    await store.createDirectory("acme/inbox");
    assert.equal((await recent("acme/inbox"))?.type, "directory");
    await store.move("acme", "other", { overwrite: false });
    assert.equal(await recent("acme/inbox"), undefined);
    assert.equal((await recent("other/inbox"))?.type, "directory");
  });

  it("puts nothing below a file that it has put in the place of a folder", async () => {
    await put(store, "acme/inbox/a", "content");
    await store.remove("acme/inbox/a", "file");
    await store.remove("acme/inbox", "directory");
    for (const make of [
      () => put(store, "acme/inbox", "content"),
      () => store.copy("file", "acme/inbox", { overwrite: true }),
      () => store.move("file", "acme/inbox", { overwrite: true }),
    ]) {
      await put(store, "file", "content");
      assert.equal(await recent("acme/inbox"), undefined);
      await (await store.openWrite("acme/inbox/a", newTransferId())).abort();
      await make();
      await refuses("not-a-directory", store.openWrite("acme/inbox/a", newTransferId()));
      await store.remove("acme/inbox", "file");
    }
  });

  it("publishes nothing with the name of a folder that it has made meanwhile", async () => {
    for (const make of [
      () => store.createDirectory("acme/inbox/a"),
      () => put(store, "acme/inbox/a/b", "content"),
      () => store.copy("file", "acme/inbox/a/b", { overwrite: false }),
      () => store.move("acme/moving", "acme/inbox/a", { overwrite: false }),
    ]) {
      await put(store, "file", "content");
      await put(store, "acme/moving/b", "content");
      const writer = await writerWith(store, "acme/inbox/a", "content");
      await make().catch(async () => {
        // A copy needs a folder for its target.
        await store.ensureDirectory("acme/inbox/a");
        await make();
      });
      await refuses("not-a-file", writer.publish({}));
      await writer.abort();
      if (await store.stat("acme/inbox/a/b")) await store.remove("acme/inbox/a/b", "file");
      await store.remove("acme/inbox/a", "directory");
    }
  });

  it("sees what another process did as soon as its own knowledge is too old", async () => {
    const other = tested.open();
    const fresh = tested.open({ recentMs: 0 });
    for (const one of [store, fresh]) await one.stat("acme/inbox", { recentFolder: true });
    await other.remove("acme/inbox", "directory");
    assert.equal(await fresh.stat("acme/inbox", { recentFolder: true }), undefined);
    assert.equal((await recent("acme/inbox"))?.type, "directory");
    // Without being asked for it, nothing old is told.
    assert.equal(await store.stat("acme/inbox"), undefined);
    await put(other, "acme/inbox", "content");
    await refuses("not-a-directory", fresh.openWrite("acme/inbox/a", newTransferId()));
  });
});
