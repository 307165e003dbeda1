import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { afterEach, before, beforeEach, describe, it } from "node:test";
import { FileError } from "../../core/errors.ts";
import type { ObjectStore, ObjectWriter } from "../../ports/object-store.ts";
import { get, newTransferId, put, settle, writerWith } from "./object-content.ts";
import { countSuccesses, refuses } from "./refusal.ts";
import type { CreateStore, StoreUnderTest } from "./store-under-test.ts";

const MiB = 1024 ** 2;
const fileBytes = 40 * MiB;
/** More than two parts of S3. */
const brokenOffAt = 21 * MiB + 12_345;
const racers = 4;

const digest = (content: Uint8Array) => createHash("sha256").update(content).digest("hex");

/** What the store keeps of uploads that broke off, and how others go on with it. */
export function keptUploadsContract(create: CreateStore): void {
  let tested: StoreUnderTest;
  let store: ObjectStore;
  const file = Buffer.alloc(fileBytes);
  before(() => {
    for (let offset = 0; offset < fileBytes; offset += 4) file.writeUInt32BE(offset, offset);
  });
  beforeEach(async () => {
    tested = await create();
    store = tested.store;
  });
  afterEach(() => tested.dispose());

  async function write(writer: ObjectWriter, from: number, to: number): Promise<void> {
    for (let offset = from; offset < to; offset += MiB) {
      await writer.write(file.subarray(offset, Math.min(to, offset + MiB)));
    }
  }

  async function begin(objectKey = "acme/a", transferId = newTransferId()) {
    const writer = await store.openWrite(objectKey, transferId);
    await write(writer, 0, brokenOffAt);
    return { writer, transferId };
  }

  async function brokenOff(objectKey = "acme/a") {
    const { writer, transferId } = await begin(objectKey);
    return { transferId, bytes: await writer.keep() };
  }

  async function assertContent(objectKey: string, bytes = fileBytes): Promise<void> {
    const reader = await store.openRead(objectKey);
    const content = Buffer.alloc(reader.entry.size);
    for (let read = 0; read < content.length; ) read += await reader.read(content.subarray(read), read);
    await reader.close();
    assert.equal(content.length, bytes);
    assert.equal(digest(content), digest(file.subarray(0, bytes)));
  }

  describe("uploads that are kept", () => {
    it("go on as other ones, and are never seen before they are published", async () => {
      const { transferId, bytes } = await brokenOff();
      assert.ok(bytes > 0 && bytes < brokenOffAt, `${bytes} of ${brokenOffAt} bytes are kept`);
      assert.equal(await store.stat("acme/a"), undefined);
      assert.deepEqual(await store.stagedUploads(), []);
      assert.equal(await store.outcomeOf("acme/a", transferId), "unpublished");
      const next = newTransferId();
      const reopened = await tested.reopen();
      const writer = await reopened.reopenWrite("acme/a", next, { transferId, bytes });
      await write(writer, bytes, fileBytes);
      assert.equal(await store.stat("acme/a"), undefined);
      const entry = await writer.publish({});
      assert.equal(entry.size, fileBytes);
      assert.equal((await store.stat("acme/a"))?.etag, entry.etag);
      await assertContent("acme/a");
      assert.equal(await settle(await tested.reopen(), "acme/a", next), "published");
      await store.discard(transferId);
      await assertContent("acme/a");
    });

    it("are found in what a process leaves that died, as often as it is asked", async () => {
      const { writer: dying, transferId } = await begin();
      await dying.flush();
      const reopened = await tested.reopen();
      const bytes = await reopened.keep(transferId);
      assert.ok(bytes > 0 && bytes < brokenOffAt, `${bytes} of ${brokenOffAt} bytes are kept`);
      assert.equal(await reopened.keep(transferId), bytes);
      assert.equal(await reopened.outcomeOf("acme/a", transferId), "unpublished");
      assert.deepEqual(await reopened.stagedUploads(), []);
      const writer = await reopened.reopenWrite("acme/a", newTransferId(), { transferId, bytes });
      await write(writer, bytes, fileBytes);
      await writer.publish({});
      await assertContent("acme/a");
    });

    it("are not published by a process that was taken for dead", async () => {
      const { writer, transferId } = await begin();
      await writer.flush();
      const reopened = await tested.reopen();
      const bytes = await reopened.keep(transferId);
      await assert.rejects(writer.publish({}), FileError);
      assert.equal(await store.stat("acme/a"), undefined);
      const next = await reopened.reopenWrite("acme/a", newTransferId(), { transferId, bytes });
      await write(next, bytes, fileBytes);
      await next.publish({});
      await assertContent("acme/a");
    });

    it("break off again and again", async () => {
      let kept = await brokenOff();
      for (const end of [27 * MiB + 1, 27 * MiB + 2, 38 * MiB]) {
        const transferId = newTransferId();
        const writer = await store.reopenWrite("acme/a", transferId, kept);
        await write(writer, kept.bytes, end);
        await writer.flush();
        const bytes = end === 38 * MiB ? await (await tested.reopen()).keep(transferId) : await writer.keep();
        assert.ok(bytes > 0 && bytes < end, `${bytes} of ${end} bytes are kept`);
        kept = { transferId, bytes };
      }
      const writer = await (await tested.reopen()).reopenWrite("acme/a", newTransferId(), kept);
      await write(writer, kept.bytes, fileBytes);
      await writer.publish({ exclusive: true });
      await assertContent("acme/a");
    });

    it("are gone on with by one of several that ask", async () => {
      const kept = await brokenOff();
      const stores = [store, await tested.reopen()];
      const asked = Array.from({ length: racers }, (_, index) =>
        (stores[index % 2] ?? store).reopenWrite("acme/a", newTransferId(), kept),
      );
      assert.equal(await countSuccesses(["not-found"], asked), 1);
      await refuses("not-found", store.reopenWrite("acme/a", newTransferId(), kept));
    });

    it("can be begun anew", async () => {
      const kept = await brokenOff();
      const writer = await store.reopenWrite("acme/a", newTransferId(), kept);
      await writer.cut(0);
      await write(writer, 0, 9 * MiB);
      await writer.publish({});
      await assertContent("acme/a", 9 * MiB);
      const again = await store.reopenWrite("acme/b", newTransferId(), await brokenOff("acme/b"));
      await again.cut(0);
      await again.publish({});
      await assertContent("acme/b", 0);
    });

    it("leave nothing when they are given up after all", async () => {
      const kept = await brokenOff();
      await store.discard(kept.transferId);
      await refuses("not-found", store.reopenWrite("acme/a", newTransferId(), kept));
      const transferId = newTransferId();
      const writer = await store.reopenWrite("acme/b", transferId, await brokenOff("acme/b"));
      await writer.abort();
      assert.equal(await settle(store, "acme/b", transferId), "unpublished");
      assert.deepEqual(await store.stagedUploads(), []);
      assert.equal(await store.keep(transferId), 0);
    });

    it("do not stand in the way of others with their name", async () => {
      const kept = await brokenOff();
      await put(store, "acme/a", "another");
      assert.equal(await store.outcomeOf("acme/a", kept.transferId), "unpublished");
      await store.discard(kept.transferId);
      assert.equal(await get(store, "acme/a"), "another");
      const again = await brokenOff("acme/b");
      await store.createDirectory("acme/b");
      await refuses("not-a-file", store.reopenWrite("acme/b", newTransferId(), again));
    });

    it("are not made of a single byte, of what was published, nor of what nobody knows", async () => {
      const [small, published] = [newTransferId(), newTransferId()];
      const writer = await writerWith(store, "small", "x", small);
      assert.equal(await writer.keep(), 0);
      assert.equal(await settle(store, "small", small), "unpublished");
      assert.deepEqual(await store.stagedUploads(), []);
      const whole = await writerWith(store, "whole", "content", published);
      await whole.publish({});
      assert.equal(await whole.keep(), 0);
      assert.equal(await store.keep(newTransferId()), 0);
      assert.equal(await get(store, "whole"), "content");
    });

    it("are refused where more is asked for than is kept", async () => {
      const { transferId, bytes } = await brokenOff();
      await refuses("not-found", store.reopenWrite("acme/a", newTransferId(), { transferId, bytes: bytes + 8 * MiB }));
      assert.equal(await store.stat("acme/a"), undefined);
    });
  });
}
