import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import type { ObjectStore, ObjectWriter, PublishOptions, StoredEntry } from "../../ports/object-store.ts";

/** A transfer's id, never the same. */
export function newTransferId(): string {
  return randomUUID();
}

export async function writerWith(
  store: ObjectStore,
  objectKey: string,
  content: string,
  transferId = newTransferId(),
): Promise<ObjectWriter> {
  const writer = await store.openWrite(objectKey, transferId);
  await writer.write(Buffer.from(content));
  return writer;
}

/** What became of an upload, asked as recovery does: the staged rest goes when the answer is known. */
export async function settle(
  store: ObjectStore,
  objectKey: string,
  transferId: string,
): Promise<"published" | "unpublished"> {
  const outcome = await store.outcomeOf(objectKey, transferId);
  await store.discard(transferId);
  return outcome;
}

/** Uploads a whole file; discards it where that fails. */
export async function put(
  store: ObjectStore,
  objectKey: string,
  content: string,
  options: PublishOptions = {},
): Promise<StoredEntry> {
  const transferId = newTransferId();
  const writer = await store.openWrite(objectKey, transferId);
  try {
    await writer.write(Buffer.from(content));
    return await writer.publish(options);
  } catch (error) {
    await writer.abort();
    assert.equal(await settle(store, "", transferId), "unpublished");
    throw error;
  }
}

/** The whole file as text. */
export async function get(store: ObjectStore, objectKey: string): Promise<string> {
  const reader = await store.openRead(objectKey);
  try {
    const content = Buffer.alloc(reader.entry.size);
    assert.equal(await reader.read(content, 0), content.length);
    return content.toString();
  } finally {
    await reader.close();
  }
}

/** The names in a folder, read in pages of `limit`. */
export async function namesIn(store: ObjectStore, directoryKey: string, limit = 1000): Promise<string[]> {
  const names: string[] = [];
  let after: string | undefined;
  do {
    const page = await store.list(directoryKey, { after, limit });
    assert.ok(page.entries.length <= limit);
    names.push(...page.entries.map(({ name }) => name));
    after = page.next;
  } while (after !== undefined);
  return names;
}
