import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { HeldFile, QuarantineBounds } from "../../core/held-file.ts";
import { parseVirtualPath } from "../../core/virtual-path.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import type { StoreQuarantine } from "../../ports/store-quarantine.ts";
import { contentOf } from "../../service/scan/release.ts";

export interface StoreQuarantineUnderTest {
  readonly quarantine: StoreQuarantine;
  readonly objects: ObjectStore;
  dispose(): Promise<void>;
}

const roomy: QuarantineBounds = { files: 100, bytes: 10_000 };

function held(transferId: string, changes: Partial<HeldFile> = {}): HeldFile {
  const heldAt = "2026-11-26T12:00:00.000Z";
  const event = {
    id: "e",
    type: "transfer.completed",
    time: heldAt,
    server: "s",
    protocol: "sftp",
    message: "",
  } as const;
  const defaults = {
    accountName: "acme",
    path: parseVirtualPath(`/in/${transferId}`),
    bytes: 3,
    sha256: `of-${transferId}`,
  };
  return {
    ...{ transferId, objectKey: `acme/in/${transferId}`, replacesEtag: "none", heldAt, state: "infected", since: 1 },
    ...{ reason: "EICAR", event: { ...event, data: {} }, ...defaults, ...changes },
  };
}

/** What every StoreQuarantine has to do. @param open gets the bounds that it is to keep */
export function storeQuarantineContract(
  name: string,
  open: (bounds: QuarantineBounds) => Promise<StoreQuarantineUnderTest>,
): void {
  const using = (bounds: QuarantineBounds, run: (test: StoreQuarantineUnderTest) => Promise<void>) => async () => {
    const test = await open(bounds);
    await run(test).finally(() => test.dispose());
  };
  const put = async ({ objects }: StoreQuarantineUnderTest, objectKey: string, content: string) => {
    await objects.ensureDirectory(objectKey.split("/").slice(0, -1).join("/"));
    const writer = await objects.openWrite(objectKey, `upload-of-${content}`);
    await writer.write(Buffer.from(content));
    return writer.publish({});
  };
  const contentIn = async ({ quarantine }: StoreQuarantineUnderTest, id: string) => {
    const reader = await quarantine.open(id);
    const pieces: Buffer[] = [];
    for await (const piece of contentOf(reader)) pieces.push(Buffer.from(piece));
    await reader.close();
    return Buffer.concat(pieces).toString();
  };

  describe(name, () => {
    it(
      "has the record of each file, in the order of their ids, page by page",
      using(roomy, async ({ quarantine }) => {
        for (const id of ["b", "c", "a"]) assert.deepEqual(await quarantine.admit(held(id)), { state: "kept" });
        assert.deepEqual(await quarantine.find("b"), held("b"));
        assert.equal(await quarantine.find("d"), undefined);
        const first = await quarantine.list({ limit: 2 });
        assert.deepEqual([first.files.map(({ transferId }) => transferId), first.next], [["a", "b"], "b"]);
        const second = await quarantine.list({ limit: 2, after: first.next });
        assert.deepEqual([second.files.map(({ transferId }) => transferId), second.next], [["c"], undefined]);
      }),
    );

    it(
      "keeps the same content from the same account for the same path once, and counts the rest",
      using(roomy, async ({ quarantine }) => {
        const path = parseVirtualPath("/in/same");
        const same = { path, sha256: "same" };
        await quarantine.admit(held("a", same));
        for (const id of ["b", "b", "c"]) {
          assert.deepEqual(await quarantine.admit(held(id, same)), { state: "repeated", keptAs: "a" });
        }
        assert.deepEqual((await quarantine.find("a"))?.repeats, {
          count: 2,
          transferId: "c",
          heldAt: held("c").heldAt,
        });
        const others = [
          { sha256: "same" },
          { path },
          { ...same, accountName: "other" },
          { path, sha256: "" },
          { path, sha256: "" },
        ];
        for (const [index, changes] of others.entries()) {
          assert.deepEqual(await quarantine.admit(held(`other-${index}`, changes)), { state: "kept" });
        }
        await quarantine.remove("a");
        assert.deepEqual(await quarantine.admit(held("d", same)), { state: "kept" });
      }),
    );

    it(
      "takes in no more than its bounds, half of it from one account",
      using({ files: 4, bytes: 20 }, async ({ quarantine }) => {
        const states = async (accountName: string, ids: readonly string[], bytes: number) => {
          const admitted = [];
          for (const id of ids) admitted.push(await quarantine.admit(held(id, { accountName, bytes })));
          return admitted.map((one) => ("reason" in one ? one.reason : one.state));
        };
        const noRoom = (account: string) => `the account ${account} has no more room in quarantine`;
        assert.deepEqual(await states("a", ["a1", "a2", "a3", "a1"], 1), ["kept", "kept", noRoom("a"), "kept"]);
        assert.deepEqual(await states("b", ["b1"], 10), ["kept"]);
        assert.deepEqual(await states("b", ["b2"], 1), [noRoom("b")]);
        assert.deepEqual(await states("c", ["c1", "c2", "c3"], 8), [
          "kept",
          "the quarantine is full",
          "the quarantine is full",
        ]);
        assert.deepEqual(await states("d", ["d1"], 21), ["the quarantine is full"]);
        for (const id of ["a1", "a1", "none"]) await quarantine.remove(id);
        assert.deepEqual(await states("a", ["a4", "a5"], 1), ["kept", "the quarantine is full"]);
      }),
    );

    it(
      "keeps its bounds among many who come at the same time",
      using({ files: 8, bytes: 100 }, async ({ quarantine }) => {
        const ids = Array.from({ length: 8 }, (_, index) => `f${index}`);
        const admitted = await Promise.all(ids.map((id) => quarantine.admit(held(id)).catch(() => undefined)));
        // Who is hindered by the others comes again.
        for (const [index, id] of ids.entries()) admitted[index] ??= await quarantine.admit(held(id));
        assert.deepEqual(admitted.filter((one) => one?.state === "kept").length, 4);
        const { files } = await quarantine.list({ limit: 100 });
        assert.equal(files.length, 4);
        await Promise.all(files.map(({ transferId }) => quarantine.remove(transferId)));
        assert.deepEqual(await quarantine.admit(held("later")), { state: "kept" });
      }),
    );

    it(
      "takes in that version of an object and no other, however often it is asked",
      using(roomy, async (test) => {
        const { quarantine, objects } = test;
        const objectKey = "acme/in/a";
        const bad = await put(test, objectKey, "bad");
        await quarantine.admit(held("a"));
        for (const _ of ["once", "again"])
          assert.equal(await quarantine.takeIn("a", { objectKey, etag: bad.etag }), true);
        assert.equal(await contentIn(test, "a"), "bad");
        await put(test, objectKey, "good!");
        assert.equal(await quarantine.takeIn("a", { objectKey, etag: bad.etag }), true);
        assert.equal(await quarantine.takeIn("b", { objectKey, etag: bad.etag }), false);
        assert.equal(await quarantine.takeIn("b", { objectKey: "acme/in/none", etag: bad.etag }), false);
        assert.equal((await objects.stat(objectKey))?.size, 5);
        await assert.rejects(quarantine.open("b"), { code: "not-found" });
      }),
    );

    it(
      "lets a file out to where nothing is, once",
      using(roomy, async (test) => {
        const { quarantine, objects } = test;
        const objectKey = "acme/in/a";
        const { etag } = await put(test, objectKey, "bad");
        await quarantine.takeIn("a", { objectKey, etag });
        await assert.rejects(quarantine.letOut("a", objectKey), { code: "already-exists" });
        const made = await quarantine.letOut("a", "acme/in/b");
        assert.deepEqual(await quarantine.letOut("a", "acme/in/b"), made);
        assert.deepEqual([made.size, (await objects.stat("acme/in/b"))?.etag], [3, made.etag]);
        assert.equal(await contentIn(test, "a"), "bad");
        await quarantine.remove("a");
        await assert.rejects(quarantine.open("a"), { code: "not-found" });
        await assert.rejects(quarantine.letOut("a", "acme/in/c"), { code: "not-found" });
      }),
    );
  });
}
