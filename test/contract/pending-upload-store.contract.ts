import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { PendingUpload, PendingUploadStore } from "../../ports/pending-uploads.ts";

export interface PendingUploadStoreUnderTest {
  readonly store: PendingUploadStore;
  /** The same uploads, as the next process sees them. */
  reopen(): Promise<PendingUploadStore>;
  dispose(): Promise<void>;
}

const upload = (uploadId: string, changes: Partial<PendingUpload> = {}): PendingUpload => ({
  uploadId,
  accountName: "acme",
  path: "/inbox/ü.bin",
  bytes: 2 ** 40,
  partSizeBytes: 5_000_000,
  expiresAtMs: 2000,
  ...changes,
});

/** What every PendingUploadStore has to do, whatever it stands on. Its clock stands at the epoch. */
export function pendingUploadStoreContract(name: string, open: () => Promise<PendingUploadStoreUnderTest>): void {
  const using = (work: (under: PendingUploadStoreUnderTest) => Promise<void>) => async () => {
    const under = await open();
    await work(under).finally(() => under.dispose());
  };
  const idsOf = (uploads: readonly PendingUpload[]) => uploads.map(({ uploadId }) => uploadId).sort();

  describe(name, () => {
    it(
      "keeps uploads, and their end, over a restart",
      using(async ({ store, reopen }) => {
        const { bytes, ...unknownSize } = upload("open");
        await store.add(upload("kept"));
        await store.add({ ...unknownSize, bytes: undefined });
        await store.add(upload("ended"));
        await store.remove("ended");
        await store.remove("ended");
        const next = await reopen();
        assert.deepEqual(await next.find("kept"), upload("kept"));
        assert.equal((await next.find("open"))?.bytes, undefined);
        assert.equal(await next.find("ended"), undefined);
        assert.equal(await next.find("never"), undefined);
      }),
    );

    it(
      "finds those of an account and those whose time is over",
      using(async ({ store }) => {
        await store.add(upload("a"));
        await store.add(upload("b", { expiresAtMs: 3000 }));
        await store.add(upload("c", { accountName: "Acme", expiresAtMs: 9000 }));
        assert.deepEqual(idsOf(await store.ofAccount("acme")), ["a", "b"]);
        assert.deepEqual(idsOf(await store.ofAccount("Acme")), ["c"]);
        assert.deepEqual(await store.ofAccount("nobody"), []);
        assert.deepEqual(idsOf(await store.expired(1999)), []);
        assert.deepEqual(idsOf(await store.expired(3000)), ["a", "b"]);
        await store.remove("a");
        assert.deepEqual(idsOf(await store.expired(3000)), ["b"]);
        assert.deepEqual(idsOf(await store.ofAccount("acme")), ["b"]);
      }),
    );
  });
}
