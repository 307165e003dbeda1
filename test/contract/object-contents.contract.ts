import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { FileError } from "../../core/errors.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import { get, namesIn, newTransferId, put, settle, writerWith } from "./object-content.ts";
import { countSuccesses, refuses } from "./refusal.ts";
import type { CreateStore, StoreUnderTest } from "./store-under-test.ts";

const racers = 8;

/** Contents: reading, writing, publishing, and what a crash leaves behind. */
export function objectContentsContract(create: CreateStore): void {
  let tested: StoreUnderTest;
  let store: ObjectStore;
  beforeEach(async () => {
    tested = await create();
    store = tested.store;
  });
  afterEach(() => tested.dispose());

  describe("publishing", () => {
    it("shows nothing of an upload before it is published", async () => {
      const writer = await writerWith(store, "acme/inbox/a.txt", "first");
      await writer.flush();
      assert.equal(await store.stat("acme/inbox/a.txt"), undefined);
      assert.deepEqual(await namesIn(store, ""), []);
      await writer.publish({});
      assert.equal(await get(store, "acme/inbox/a.txt"), "first");
    });

    it("answers the entry that stat shows", async () => {
      const entry = await put(store, "a.txt", "hello", { modifiedAtMs: 1_700_000_000_123 });
      assert.deepEqual(entry, await store.stat("a.txt"));
      assert.deepEqual({ ...entry, etag: "" }, { type: "file", size: 5, modifiedAtMs: 1_700_000_000_123, etag: "" });
      assert.match(entry.etag, /^[^"]+$/);
    });

    it("takes the time of the upload when none is asked for", async () => {
      // The clock of a file system may be some ticks behind.
      const beforeMs = Date.now() - 50;
      const entry = await put(store, "a.txt", "hello");
      assert.ok(entry.modifiedAtMs >= beforeMs && entry.modifiedAtMs <= Date.now());
    });

    it("publishes empty files", async () => {
      const writer = await store.openWrite("empty", newTransferId());
      assert.equal((await writer.publish({})).size, 0);
      assert.equal(await get(store, "empty"), "");
    });

    it("joins the chunks in the order of the writes, and does not keep their memory", async () => {
      const writer = await store.openWrite("a", newTransferId());
      const chunk = Buffer.from("one");
      await writer.write(chunk);
      chunk.write("two");
      await writer.write(chunk);
      await writer.write(new Uint8Array(0));
      await writer.publish({});
      assert.equal(await get(store, "a"), "onetwo");
    });

    it("replaces a file as a whole and gives it another etag", async () => {
      const first = await put(store, "a", "a long first version");
      const second = await put(store, "a", "second");
      assert.notEqual(second.etag, first.etag);
      assert.equal(await get(store, "a"), "second");
    });

    it("keeps the etag while nothing happens to the file", async () => {
      const { etag } = await put(store, "a", "content");
      await put(store, "b", "other");
      assert.equal((await store.stat("a"))?.etag, etag);
      assert.equal((await (await tested.reopen()).stat("a"))?.etag, etag);
    });

    it("makes the missing parent folders", async () => {
      await put(store, "x/y/z/a", "deep");
      assert.deepEqual(await namesIn(store, "x/y"), ["z"]);
    });

    it("refuses what has the name of a folder", async () => {
      await store.createDirectory("folder");
      await refuses("not-a-file", store.openWrite("folder", newTransferId()));
      await refuses("not-a-file", store.openWrite("", newTransferId()));
    });

    it("refuses when a folder took the name meanwhile", async () => {
      const writer = await writerWith(store, "name", "content");
      await store.createDirectory("name");
      await refuses("not-a-file", writer.publish({}));
      await writer.abort();
      assert.equal((await store.stat("name"))?.type, "directory");
    });

    it("refuses what lies below a file", async () => {
      await put(store, "file", "content");
      await refuses("not-a-directory", store.openWrite("file/a", newTransferId()));
      await refuses("not-a-directory", store.openWrite("file/a/b", newTransferId()));
    });

    it("goes on with a file whose folder was moved away", async () => {
      await store.createDirectory("folder");
      const writer = await writerWith(store, "folder/a", "content");
      await store.move("folder", "elsewhere", { overwrite: false });
      await writer.publish({});
      assert.equal(await get(store, "folder/a"), "content");
    });
  });

  describe("exclusive publishing", () => {
    it("refuses to replace a file", async () => {
      const writer = await writerWith(store, "a", "second");
      await put(store, "a", "first", { exclusive: true });
      await refuses("already-exists", writer.publish({ exclusive: true }));
      await writer.abort();
      assert.equal(await get(store, "a"), "first");
    });

    it("lets exactly one of several win, from whichever process, and keeps the winner's content", async () => {
      const stores = [store, await tested.reopen()];
      const writers = await Promise.all(
        Array.from({ length: racers }, (_, index) =>
          writerWith(stores[index % 2] ?? store, "folder/a", `content ${index}`),
        ),
      );
      const publishing = writers.map((writer) => writer.publish({ exclusive: true }));
      assert.equal(await countSuccesses(["already-exists"], publishing), 1);
      const results = await Promise.allSettled(publishing);
      const winner = results.findIndex(({ status }) => status === "fulfilled");
      assert.equal(await get(store, "folder/a"), `content ${winner}`);
      await Promise.all(writers.map((writer) => writer.abort()));
      assert.equal(await get(store, "folder/a"), `content ${winner}`);
      assert.equal((await store.stagedUploads()).length, racers - 1);
    });
  });

  describe("publishing over a known version", () => {
    it("replaces exactly that version", async () => {
      const { etag } = await put(store, "a", "first");
      const second = await put(store, "a", "second", { replacesEtag: etag });
      await refuses("precondition-failed", put(store, "a", "third", { replacesEtag: etag }));
      await put(store, "a", "third", { replacesEtag: second.etag });
      assert.equal(await get(store, "a"), "third");
    });

    it("refuses where there is no file", async () => {
      await refuses("precondition-failed", put(store, "a", "first", { replacesEtag: "0123" }));
      assert.equal(await store.stat("a"), undefined);
    });

    it("lets exactly one of several at the same time win", async () => {
      const { etag } = await put(store, "a", "first");
      const attempts = Array.from({ length: racers }, (_, index) =>
        put(store, "a", `content ${index}`, { replacesEtag: etag }),
      );
      assert.equal(await countSuccesses(["precondition-failed"], attempts), 1);
    });
  });

  describe("ending an upload", () => {
    const id = newTransferId();

    it("shows nothing of it after abort, as often as that is said", async () => {
      const writer = await writerWith(store, "a", "content", id);
      await writer.abort();
      await writer.abort();
      assert.equal(await store.stat("a"), undefined);
      await assert.rejects(writer.write(Buffer.from("more")), FileError);
      await assert.rejects(writer.publish({}), FileError);
      assert.equal(await store.stat("a"), undefined);
    });

    it("knows an aborted upload until it is discarded", async () => {
      const writer = await writerWith(store, "a", "content", id);
      await writer.abort();
      assert.deepEqual(await (await tested.reopen()).stagedUploads(), [id]);
      assert.equal(await settle(store, "a", id), "unpublished");
      assert.deepEqual(await store.stagedUploads(), []);
    });

    it("keeps a published file when abort comes late", async () => {
      for (const exclusive of [true, false]) {
        const writer = await writerWith(store, "a", "content");
        await writer.publish({ exclusive });
        await writer.abort();
        assert.equal(await get(store, "a"), "content");
        assert.deepEqual(await store.stagedUploads(), []);
      }
    });

    it("takes an abort while it is writing", async () => {
      const writer = await store.openWrite("a", id);
      const writing = writer.write(Buffer.alloc(1_000_000)).catch(() => {});
      await writer.abort();
      await writing;
      assert.equal(await store.stat("a"), undefined);
    });

    it("is either published or not when an abort comes while it publishes", async () => {
      const writer = await writerWith(store, "a", "content", id);
      const publishing = writer.publish({}).then(
        () => "published",
        () => "unpublished",
      );
      await writer.abort();
      assert.equal(await settle(store, "a", id), await publishing);
      assert.equal((await store.stat("a")) !== undefined, (await publishing) === "published");
      assert.deepEqual(await store.stagedUploads(), []);
    });

    it("may be discarded before it is aborted", async () => {
      await put(store, "a", "first");
      const writer = await writerWith(store, "a", "second", id);
      await refuses("already-exists", writer.publish({ exclusive: true }));
      assert.equal(await settle(store, "a", id), "unpublished");
      await writer.abort();
      assert.equal(await get(store, "a"), "first");
      assert.deepEqual(await store.stagedUploads(), []);
    });
  });

  describe("reading", () => {
    it("fills the target from the position, and answers less only at the end", async () => {
      await put(store, "a", "0123456789");
      const reader = await store.openRead("a");
      const target = Buffer.alloc(4);
      assert.equal(await reader.read(target, 3), 4);
      assert.equal(target.toString(), "3456");
      assert.equal(await reader.read(target, 8), 2);
      assert.equal(target.subarray(0, 2).toString(), "89");
      assert.equal(await reader.read(target, 10), 0);
      assert.equal(await reader.read(target, 1_000_000), 0);
      assert.equal(await reader.read(new Uint8Array(0), 0), 0);
      await reader.close();
    });

    it("serves overlapping calls", async () => {
      const content = Buffer.from(Uint8Array.from({ length: 100_000 }, (_, index) => index % 251));
      const writer = await store.openWrite("a", newTransferId());
      await writer.write(content);
      await writer.publish({});
      const reader = await store.openRead("a");
      const pieces = Array.from({ length: 50 }, () => Buffer.alloc(2000));
      await Promise.all(pieces.map((piece, index) => reader.read(piece, index * 2000)));
      assert.ok(Buffer.concat(pieces).equals(content));
      await reader.close();
    });

    it("keeps to one version, whatever happens to the path", async () => {
      const first = await put(store, "folder/a", "the first version");
      const reader = await store.openRead("folder/a");
      await put(store, "folder/a", "another");
      const target = Buffer.alloc(100);
      assert.equal(target.toString("utf8", 0, await reader.read(target, 0)), "the first version");
      await store.remove("folder/a", "file");
      await store.remove("folder", "directory");
      assert.equal(target.toString("utf8", 0, await reader.read(target, 4)), "first version");
      assert.deepEqual(reader.entry, first);
      await reader.close();
    });

    it("refuses folders and what is not there", async () => {
      await store.createDirectory("folder");
      await put(store, "file", "content");
      await refuses("not-a-file", store.openRead("folder"));
      await refuses("not-a-file", store.openRead(""));
      await refuses("not-found", store.openRead("missing"));
      await refuses("not-found", store.openRead("folder/missing"));
      await refuses("not-found", store.openRead("missing/a"));
      await refuses("not-found", store.openRead("file/a"));
    });
  });

  describe("after a crash", () => {
    it("knows the uploads that were neither published nor discarded", async () => {
      const ids = Array.from({ length: 3 }, newTransferId);
      const writers = await Promise.all(ids.map((id, index) => store.openWrite(`file${index}`, id)));
      for (const writer of writers) await writer.write(Buffer.from("content"));
      await writers[0]?.publish({});
      await writers[1]?.abort();
      await settle(store, "file1", ids[1] ?? "");
      const reopened = await tested.reopen();
      assert.deepEqual(await reopened.stagedUploads(), [ids[2]]);
    });

    it("discards what was not published", async () => {
      const id = newTransferId();
      const writer = await store.openWrite("acme/a", id);
      await writer.write(Buffer.from("content"));
      await writer.flush();
      const reopened = await tested.reopen();
      assert.equal(await settle(reopened, "acme/a", id), "unpublished");
      assert.deepEqual(await reopened.stagedUploads(), []);
      assert.equal(await reopened.stat("acme/a"), undefined);
    });

    it("keeps the former version when its replacement was not published", async () => {
      await put(store, "a", "first");
      const id = newTransferId();
      await store.openWrite("a", id);
      const reopened = await tested.reopen();
      assert.equal(await settle(reopened, "a", id), "unpublished");
      assert.equal(await get(reopened, "a"), "first");
    });

    it("gives the same answer when a crash makes the question come again", async () => {
      await put(store, "a", "first");
      const [published, unpublished] = [newTransferId(), newTransferId()];
      await (await writerWith(store, "a", "second", published)).publish({});
      await writerWith(store, "a", "third", unpublished);
      for (let life = 0; life < 3; life += 1) {
        const reopened = await tested.reopen();
        assert.equal(await reopened.outcomeOf("a", published), "published");
        assert.equal(await reopened.outcomeOf("a", unpublished), "unpublished");
        assert.equal(await get(reopened, "a"), "second");
      }
    });

    it("recognizes what was published", async () => {
      for (const exclusive of [false, true]) {
        const [id, objectKey] = [newTransferId(), `acme/${exclusive}`];
        const writer = await store.openWrite(objectKey, id);
        await writer.write(Buffer.from("content"));
        await writer.publish({ exclusive });
        const reopened = await tested.reopen();
        assert.equal(await settle(reopened, objectKey, id), "published");
        assert.equal(await get(reopened, objectKey), "content");
      }
    });

    it("discards an upload whose objectKey nobody remembers", async () => {
      const id = newTransferId();
      await store.openWrite("a", id);
      assert.equal(await settle(await tested.reopen(), "", id), "unpublished");
      assert.deepEqual(await store.stagedUploads(), []);
    });

    it("says unpublished of an upload that it never saw, where nothing has the name", async () => {
      assert.equal(await settle(store, "a", newTransferId()), "unpublished");
    });
  });
}
