import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ObjectStore } from "../../../ports/object-store.ts";
import { namesIn, settle } from "../../contract/object-content.ts";
import { randomFrom } from "../../support/random.ts";
import { versionOf } from "./directory-crash-content.ts";
import { createDirectoryStoreUnderTest } from "./directory-store-under-test.ts";
import { linesUntilKilled } from "./killed-process.ts";

const kills = 30;

interface Upload {
  readonly objectKey: string;
  readonly version: number;
  readonly transferId: string;
}

describe("a directory store whose process is killed", () => {
  it("shows whole files only, keeps all that were acknowledged, and tells what became of the others", async (test) => {
    const { filesDirectory, stagingDirectory, reopen, dispose } = await createDirectoryStoreUnderTest();
    test.after(dispose);
    const random = randomFrom(1);
    /** What has to be there: objectKey → version. */
    const expected = new Map<string, number>();
    for (let life = 1; life <= kills; life += 1) {
      const args = [filesDirectory, stagingDirectory, String(life)];
      const lines = await linesUntilKilled("directory-crash-child.ts", args, 1 + Math.floor(random() * 60));
      await recover(await reopen(), lines, expected);
    }
    assert.ok(expected.size > kills);
  });
});

async function recover(store: ObjectStore, lines: readonly string[], expected: Map<string, number>): Promise<void> {
  for (const { objectKey, version } of uploadsIn(lines, "done")) expected.set(objectKey, version);
  const done = new Set(uploadsIn(lines, "done").map(({ transferId }) => transferId));
  for (const { objectKey, version, transferId } of uploadsIn(lines, "started")) {
    if (done.has(transferId)) continue;
    if ((await settle(store, objectKey, transferId)) === "published") expected.set(objectKey, version);
  }
  for (const transferId of await store.stagedUploads()) await settle(store, "", transferId);
  assert.deepEqual(await store.stagedUploads(), []);
  assert.deepEqual(await versionsIn(store, ""), new Map([...expected].sort()));
}

function uploadsIn(lines: readonly string[], word: "started" | "done"): Upload[] {
  return lines
    .map((line) => line.split(" "))
    .filter(([first]) => first === word)
    .map(([, objectKey = "", version, transferId = ""]) => ({ objectKey, version: Number(version), transferId }));
}

/** The version of every file below the folder. */
async function versionsIn(store: ObjectStore, directoryKey: string): Promise<Map<string, number>> {
  const versions = new Map<string, number>();
  for (const name of await namesIn(store, directoryKey)) {
    const objectKey = directoryKey === "" ? name : `${directoryKey}/${name}`;
    if ((await store.stat(objectKey))?.type === "directory") {
      for (const [below, version] of await versionsIn(store, objectKey)) versions.set(below, version);
    } else versions.set(objectKey, versionOf(objectKey, await contentAt(store, objectKey)));
  }
  return new Map([...versions].sort());
}

async function contentAt(store: ObjectStore, objectKey: string): Promise<Buffer> {
  const reader = await store.openRead(objectKey);
  const content = Buffer.alloc(reader.entry.size);
  await reader.read(content, 0);
  await reader.close();
  return content;
}
