import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import { FileError } from "../../core/errors.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import { createMemoryObjectStore } from "../support/memory-object-store.ts";
import { get, put } from "./object-content.ts";
import type { CreateStore } from "./store-under-test.ts";

const plainNames = ["a", "b", "c d", " ", "\u{1f600}", "\uffee", "x".repeat(255), "-", "...", "%2e%2e"];
/** Names that some file systems take for others. */
const delicateNames = ["A", "é", "e\u0301", "CON", "a.", "nul.txt", "a:b", "a\\b", "..\\a"];
const refusedNames = ["..", ".", "", "a\0", "\u0007", "\udc00", "x".repeat(256), "\u{1f600}".repeat(64)];

interface Step {
  readonly operation: string;
  run(store: ObjectStore): Promise<unknown>;
}

/** Whatever is done to a store, it answers and shows what a simple model in memory does. */
export function objectStoreModelContract(create: CreateStore, numRuns: number): void {
  it("behaves as the model does, under any sequence of operations", async () => {
    const probe = await create();
    await probe.dispose();
    const steps = fc.array(stepFor(keysOf(probe.exactNames)), { minLength: 1, maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(steps, async (sequence) => {
        const { store, dispose } = await create();
        try {
          await compare(sequence, store, createMemoryObjectStore());
        } finally {
          await dispose();
        }
      }),
      { numRuns },
    );
  });
}

async function compare(sequence: readonly Step[], store: ObjectStore, model: ObjectStore): Promise<void> {
  for (const step of sequence) {
    assert.deepEqual(await outcome(step.run(store)), await outcome(step.run(model)), step.operation);
  }
  assert.deepEqual(await treeOf(store, ""), await treeOf(model, ""));
  assert.deepEqual(await store.stagedUploads(), []);
}

/** The value, or the code of the failure. How far up a path a file in the way is noticed is not laid down. */
async function outcome(attempt: Promise<unknown>): Promise<unknown> {
  try {
    return await attempt;
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    return error.code === "not-a-directory" ? "not-found" : error.code;
  }
}

/** Every path below the folder, with the content of files. */
async function treeOf(store: ObjectStore, directoryKey: string): Promise<Readonly<Record<string, string>>> {
  const tree: Record<string, string> = {};
  const { entries } = await store.list(directoryKey, { limit: 1000 });
  for (const { name, type } of entries) {
    const objectKey = directoryKey === "" ? name : `${directoryKey}/${name}`;
    tree[objectKey] = type === "file" ? await get(store, objectKey) : "(folder)";
    if (type === "directory") Object.assign(tree, await treeOf(store, objectKey));
  }
  return tree;
}

function keysOf(exactNames: boolean): fc.Arbitrary<string> {
  const valid = fc.constantFrom(...plainNames, ...(exactNames ? delicateNames : []));
  // Few names, used often, so that operations meet.
  const name = fc.oneof(
    { weight: 12, arbitrary: fc.constantFrom("a", "b", "c d") },
    { weight: 4, arbitrary: valid },
    { weight: 1, arbitrary: fc.constantFrom(...refusedNames) },
  );
  return fc
    .array(name, { minLength: 1, maxLength: 4 })
    .map((names) => names.join("/"))
    .filter((objectKey) => objectKey !== "");
}

function stepFor(objectKey: fc.Arbitrary<string>): fc.Arbitrary<Step> {
  const content = fc.string({ unit: "binary", maxLength: 20 });
  const type = fc.constantFrom("file" as const, "directory" as const);
  const names = fc.tuple(objectKey, objectKey, fc.boolean());
  return fc.oneof(
    { weight: 4, arbitrary: fc.tuple(objectKey, content, fc.boolean()).map(putStep) },
    { weight: 2, arbitrary: objectKey.map(statStep) },
    { weight: 1, arbitrary: objectKey.map(getStep) },
    { weight: 2, arbitrary: fc.tuple(objectKey, objectKey, fc.integer({ min: 1, max: 4 })).map(listStep) },
    { weight: 2, arbitrary: fc.tuple(objectKey, fc.boolean()).map(folderStep) },
    { weight: 2, arbitrary: fc.tuple(objectKey, type).map(removeStep) },
    { weight: 2, arbitrary: names.map(moveStep) },
    { weight: 1, arbitrary: names.map(copyStep) },
    { weight: 1, arbitrary: fc.tuple(objectKey, fc.integer({ min: 0, max: 2 ** 41 })).map(setModifiedStep) },
  );
}

function putStep([objectKey, content, exclusive]: [string, string, boolean]): Step {
  return {
    operation: `put ${JSON.stringify([objectKey, content, { exclusive }])}`,
    run: async (store) => (await put(store, objectKey, content, { exclusive, modifiedAtMs: 1000 })).size,
  };
}

function statStep(objectKey: string): Step {
  return {
    operation: `stat ${JSON.stringify(objectKey)}`,
    run: async (store) => {
      const entry = await store.stat(objectKey);
      return entry?.type === "file" ? { ...entry, etag: "" } : entry?.type;
    },
  };
}

function getStep(objectKey: string): Step {
  return { operation: `get ${JSON.stringify(objectKey)}`, run: (store) => get(store, objectKey) };
}

function listStep([directoryKey, after, limit]: [string, string, number]): Step {
  return {
    operation: `list ${JSON.stringify([directoryKey, { after, limit }])}`,
    run: async (store) => {
      const { entries, next } = await store.list(directoryKey, { after, limit });
      return { names: entries.map(({ name, type, size }) => [name, type, size]), next };
    },
  };
}

function folderStep([directoryKey, withParents]: [string, boolean]): Step {
  const operation = withParents ? "ensureDirectory" : "createDirectory";
  return { operation: `${operation} ${JSON.stringify(directoryKey)}`, run: (store) => store[operation](directoryKey) };
}

function removeStep([objectKey, type]: [string, "file" | "directory"]): Step {
  return {
    operation: `remove ${JSON.stringify([objectKey, type])}`,
    run: (store) => store.remove(objectKey, type),
  };
}

function moveStep([from, to, overwrite]: [string, string, boolean]): Step {
  return {
    operation: `move ${JSON.stringify([from, to, { overwrite }])}`,
    run: (store) => store.move(from, to, { overwrite }),
  };
}

function copyStep([from, to, overwrite]: [string, string, boolean]): Step {
  return {
    operation: `copy ${JSON.stringify([from, to, { overwrite }])}`,
    run: async (store) => (await store.copy(from, to, { overwrite })).size,
  };
}

function setModifiedStep([objectKey, modifiedAtMs]: [string, number]): Step {
  return {
    operation: `setModified ${JSON.stringify([objectKey, modifiedAtMs])}`,
    run: (store) => store.setModified(objectKey, modifiedAtMs),
  };
}
