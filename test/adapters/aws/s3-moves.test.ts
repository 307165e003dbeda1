import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";
import { S3ServiceException } from "@aws-sdk/client-s3";
import type { S3ObjectStore } from "../../../adapters/aws/s3-object-store.ts";
import { limits } from "../../../core/limits.ts";
import { get, namesIn, put } from "../../contract/object-content.ts";
import { refuses } from "../../contract/refusal.ts";
import { type AwsServices, awsOrSkip, startAwsServices } from "../../support/aws-services.ts";
import { createS3StoreUnderTest, type S3StoreUnderTest } from "../../support/s3-store.ts";

const keep = { overwrite: false };
const names = ["a", "b", "c", "d/e"];

const failureNames: Readonly<Record<number, string>> = {
  403: "AccessDenied",
  412: "PreconditionFailed",
  503: "SlowDown",
};

function failure(status: number): S3ServiceException {
  const name = failureNames[status] ?? "InternalError";
  return new S3ServiceException({ name, $fault: "server", $metadata: { httpStatusCode: status } });
}

describe("renaming in S3", { skip: awsOrSkip() }, () => {
  let services: AwsServices;
  let tested: S3StoreUnderTest;
  let store: S3ObjectStore;
  before(async () => {
    services = await startAwsServices();
  });
  after(() => services.stop());
  beforeEach(async () => {
    tested = await createS3StoreUnderTest();
    store = tested.store;
    for (const name of names) await put(store, `old/${name}`, name);
  });
  afterEach(() => tested.dispose());

  /** The n-th such request of this process, and all that follow, fail with this status. */
  function failFrom(count: number, command: string, status: number): () => void {
    let left = count;
    tested.client.middlewareStack.add(
      (next, { commandName }) =>
        (args) => {
          if (commandName === `${command}Command`) left -= 1;
          if (left > 0 || commandName !== `${command}Command`) return next(args);
          throw failure(status);
        },
      { step: "initialize", name: "failing" },
    );
    return () => tested.client.middlewareStack.remove("failing");
  }

  async function assertMoved(): Promise<void> {
    for (const name of names) assert.equal(await get(store, `new/${name}`), name);
    assert.equal(await store.stat("old"), undefined);
    assert.deepEqual(await tested.staging.moves(), []);
  }

  /** As if the rename had begun long ago, in another life. */
  async function age(): Promise<void> {
    for (const move of await tested.staging.moves()) {
      await tested.staging.endMove(move);
      await tested.staging.beginMove({ ...move, startedAtMs: Date.now() - limits.storeMoveRestMs, owner: "dead" });
    }
  }

  for (const [command, count] of [
    ["CopyObject", 1],
    ["CopyObject", 3],
    ["DeleteObjects", 1],
  ] as const) {
    it(`has every file at one name at least when ${command} ${count} fails, and is finished then`, async () => {
      const repair = failFrom(count, command, 503);
      await refuses("unavailable", store.move("old", "new", keep));
      repair();
      for (const name of names) {
        const found = await Promise.all(["old", "new"].map((folder) => store.stat(`${folder}/${name}`)));
        assert.ok(found.some((entry) => entry?.type === "file"));
      }
      await age();
      assert.equal(await tested.open({ owner: "next" }).finishMoves(), 0);
      assert.equal(await tested.open({ owner: "next", isDead: async (owner) => owner === "dead" }).finishMoves(), 1);
      await assertMoved();
    });
  }

  it("is finished by whoever needs one of the names", async () => {
    const repair = failFrom(2, "CopyObject", 503);
    await refuses("unavailable", store.move("old", "new", keep));
    repair();
    await age();
    await put(store, "other", "content");
    const next = tested.open({ owner: "next", isDead: async () => true });
    await refuses("not-found", next.move("old", "elsewhere", keep));
    await assertMoved();
  });

  it("is undone where S3 refuses a file", async () => {
    const repair = failFrom(3, "CopyObject", 403);
    await refuses("permission-denied", store.move("old", "new", keep));
    repair();
    for (const name of names) assert.equal(await get(store, `old/${name}`), name);
    assert.equal(await store.stat("new"), undefined);
    assert.deepEqual(await tested.staging.moves(), []);
  });

  it("leaves what arrives meanwhile under the old name", async () => {
    tested.client.middlewareStack.add(
      (next, { commandName }) =>
        async (args) => {
          if (commandName === "DeleteObjectsCommand") await put(tested.open({ owner: "other" }), "old/late", "late");
          return next(args);
        },
      { step: "initialize", name: "late" },
    );
    await store.move("old", "new", keep);
    tested.client.middlewareStack.remove("late");
    assert.equal(await get(store, "old/late"), "late");
    assert.deepEqual(await namesIn(store, "new"), ["a", "b", "c", "d"]);
  });

  it("leaves a file that is replaced before its turn, with its new content, under the old name", async () => {
    tested.client.middlewareStack.add(
      (next, { commandName }) =>
        async (args) => {
          const { CopySource = "" } = args.input as { CopySource?: string };
          const isMeant = commandName === "CopyObjectCommand" && CopySource.endsWith("/old/a");
          if (!isMeant) return next(args);
          await put(tested.open({ owner: "other" }), "old/a", "replaced");
          // What S3 says to CopySourceIfMatch, which moto does not look at.
          throw failure(412);
        },
      { step: "initialize" },
    );
    await store.move("old", "new", keep);
    assert.equal(await get(store, "old/a"), "replaced");
    assert.deepEqual([await namesIn(store, "old"), await namesIn(store, "new")], [["a"], ["b", "c", "d"]]);
  });

  it("makes those wait who want one of the names", async () => {
    const moves = await Promise.allSettled([store.move("old", "new", keep), store.move("old/a", "new", keep)]);
    assert.equal(moves.filter(({ status }) => status === "fulfilled").length, 1);
  });
});
