import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ResumableUpload, ResumableUploadStore } from "../../ports/resumable-uploads.ts";

export interface ResumableUploadStoreUnderTest {
  readonly store: ResumableUploadStore;
  /** The same uploads, as the next process sees them. */
  reopen(): Promise<ResumableUploadStore>;
  dispose(): Promise<void>;
}

const place = { accountName: "acme", objectKey: "acme/inbox/ü.bin" };
const upload = (transferId: string, changes: Partial<ResumableUpload> = {}): ResumableUpload => ({
  ...{ ...place, transferId, keptBytes: undefined, expiresAtMs: 2000 },
  ...changes,
});
const racers = 8;

/** What every ResumableUploadStore has to do, whatever it stands on. Its clock stands at the epoch. */
export function resumableUploadStoreContract(name: string, open: () => Promise<ResumableUploadStoreUnderTest>): void {
  const using = (work: (under: ResumableUploadStoreUnderTest) => Promise<void>) => async () => {
    const under = await open();
    await work(under).finally(() => under.dispose());
  };
  const idsOf = (uploads: readonly ResumableUpload[]) => uploads.map(({ transferId }) => transferId).sort();

  describe(name, () => {
    it(
      "knows one upload of each place and account, over a restart",
      using(async ({ store, reopen }) => {
        assert.equal(await store.find("acme", place.objectKey), undefined);
        assert.equal(await store.put(upload("a"), undefined), true);
        assert.equal(await store.put(upload("b", { accountName: "other" }), undefined), true);
        assert.equal(await store.put(upload("a", { keptBytes: 2 ** 40, expiresAtMs: 3000 }), "a"), true);
        const next = await reopen();
        const kept = upload("a", { keptBytes: 2 ** 40, expiresAtMs: 3000 });
        assert.deepEqual(await next.find("acme", place.objectKey), kept);
        assert.deepEqual(await next.find("other", place.objectKey), upload("b", { accountName: "other" }));
        assert.equal(await next.find("acme", "acme/inbox/other"), undefined);
      }),
    );

    it(
      "changes nothing where another upload has come in between",
      using(async ({ store }) => {
        await store.put(upload("a"), undefined);
        assert.equal(await store.put(upload("b"), undefined), false);
        assert.equal(await store.put(upload("b"), "z"), false);
        assert.equal(await store.remove(upload("b")), false);
        assert.deepEqual(await store.find("acme", place.objectKey), upload("a"));
        assert.equal(await store.put(upload("b"), "a"), true);
        assert.equal(await store.put(upload("a", { keptBytes: 1 }), "a"), false);
        assert.equal(await store.remove(upload("a")), false);
        assert.equal(await store.remove(upload("b")), true);
        assert.equal(await store.remove(upload("b")), false);
        assert.equal(await store.put(upload("c"), "b"), false);
        assert.equal(await store.find("acme", place.objectKey), undefined);
      }),
    );

    it(
      "lets one of several at the same time have a place",
      using(async ({ store, reopen }) => {
        const stores = [store, await reopen()];
        const attempts = (instead: string | undefined, prefix: string) =>
          Array.from({ length: racers }, (_, index) =>
            (stores[index % 2] ?? store).put(upload(`${prefix}${index}`), instead),
          );
        const first = await Promise.all(attempts(undefined, "a"));
        assert.equal(first.filter(Boolean).length, 1);
        const second = await Promise.all(attempts(`a${first.indexOf(true)}`, "b"));
        assert.equal(second.filter(Boolean).length, 1);
        assert.equal((await store.find("acme", place.objectKey))?.transferId, `b${second.indexOf(true)}`);
      }),
    );

    it(
      "finds those of an account and those whose time is over",
      using(async ({ store }) => {
        await store.put(upload("a", { objectKey: "acme/a", keptBytes: 5 }), undefined);
        await store.put(upload("b", { objectKey: "acme/b", expiresAtMs: 3000 }), undefined);
        await store.put(upload("c", { accountName: "Acme", expiresAtMs: 9000 }), undefined);
        assert.deepEqual(idsOf(await store.ofAccount("acme")), ["a", "b"]);
        assert.deepEqual(idsOf(await store.ofAccount("Acme")), ["c"]);
        assert.deepEqual(await store.ofAccount("nobody"), []);
        assert.deepEqual(idsOf(await store.expired(1999)), []);
        assert.deepEqual(idsOf(await store.expired(3000)), ["a", "b"]);
        await store.put(upload("d", { objectKey: "acme/a", expiresAtMs: 9000 }), "a");
        await store.remove(upload("b", { objectKey: "acme/b" }));
        assert.deepEqual(idsOf(await store.expired(3000)), []);
        assert.deepEqual(idsOf(await store.ofAccount("acme")), ["d"]);
      }),
    );
  });
}
