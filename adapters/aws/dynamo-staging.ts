import { createHash } from "node:crypto";
import { limits } from "../../core/limits.ts";
import type { Expression, Item, Place } from "./dynamo-expressions.ts";
import type { DynamoTable } from "./dynamo-table.ts";
import { partitions } from "./env.ts";
import type { StagedMove, StagedUpload, StagingRecord } from "./s3-staging.ts";

/** One partition of the index takes 1,000 writes a second. */
const shards = 16;
const movesPartition = `${partitions.transfers}moves`;

/**
 * The record in the one table, below `partitions.transfers`: an item for each upload and two for each rename, one for
 * either name. What is not at its end is in the index, whose answers may be some moments old.
 */
export function createDynamoStaging(table: DynamoTable): StagingRecord {
  const below = async (names: readonly string[]) =>
    (await Promise.all(names.map((partition) => table.all({ partition, index: true })))).flat();
  return {
    add: async (upload) => void (await table.put(uploadItem(table, upload))),
    replaceKept: (transferId, upload) =>
      table.transact([
        { remove: uploadPlace(transferId), condition: { expression: "#state = :kept", values: { kept: "kept" } } },
        { put: uploadItem(table, upload) },
      ]),
    find: async (transferId) => {
      const item = await table.get(uploadPlace(transferId));
      return item && uploadOf(item);
    },
    change: async (transferId, change) => {
      const update = { change: changeOf(change), condition: "attribute_exists(#pk)", values: valuesOf(table, change) };
      return (await table.update(uploadPlace(transferId), update)).applied;
    },
    remove: async (transferId) => void (await table.remove(uploadPlace(transferId))),
    unpublished: async () =>
      (await below(Array.from({ length: shards }, (_, shard) => shardName(shard)))).map(uploadOf),
    beginMove: async (move) => {
      const condition = { expression: "attribute_not_exists(#pk)" };
      if (!(await table.put(moveItem(move, move.toKey), condition))) return false;
      if (await table.put(moveItem(move, move.fromKey), condition)) return true;
      await table.remove(movePlace(move.toKey), onlyOf(move));
      return false;
    },
    moveAt: async (objectKey) => {
      const item = await table.get(movePlace(objectKey));
      return item && moveOf(item);
    },
    endMove: async (move) => {
      for (const name of [move.fromKey, move.toKey]) await table.remove(movePlace(name), onlyOf(move));
    },
    moves: async () => (await below([movesPartition])).map(moveOf),
  };
}

function uploadItem(table: DynamoTable, upload: StagedUpload): Item {
  const { transferId, state } = upload;
  const index = state === "pending" ? {} : { gs1pk: shardOf(transferId), gs1sk: transferId };
  // Whoever has the pending upload ends it long before that.
  const pendingEndsAtMs = table.now() + 2 * limits.pendingUploadMs;
  const expiresAt = state === "pending" ? table.expiryAt(pendingEndsAtMs) : undefined;
  return { ...uploadPlace(transferId), ...index, ...upload, expiresAt };
}

function uploadPlace(transferId: string): Place {
  return { pk: `${partitions.transfers}staged#${transferId}`, sk: "upload" };
}

function movePlace(objectKey: string): Place {
  return { pk: `${partitions.transfers}name#${objectKey}`, sk: "move" };
}

/** Does not hold where whoever took this process for dead has ended the rename. */
function onlyOf({ moveId }: StagedMove): Expression {
  return { expression: "#moveId = :moveId", values: { moveId } };
}

/** The old name is taken last and given back first: a rename has begun when it has that. Only that is in the index. */
function moveItem(move: StagedMove, name: string): Item {
  const index = name === move.fromKey ? { gs1pk: movesPartition, gs1sk: move.moveId } : {};
  return { ...movePlace(name), ...index, ...move };
}

function shardOf(transferId: string): string {
  return shardName((createHash("sha256").update(transferId).digest()[0] ?? 0) % shards);
}

function shardName(shard: number): string {
  return `${partitions.transfers}shard#${shard}`;
}

type Change = Parameters<StagingRecord["change"]>[1];

/** An upload that nobody is at any more, and that nobody has to end, leaves the index and is forgotten in time. */
function isSettled(state: Change["state"]): boolean {
  return state === "published" || state === "kept";
}

function changeOf({ multipartId, state }: Change): string {
  const isLast = isSettled(state);
  const set = [
    ...(multipartId === undefined ? [] : ["#multipartId = :multipartId"]),
    ...(state === undefined ? [] : ["#state = :state"]),
    ...(isLast ? ["#expiresAt = :expiresAt"] : []),
  ];
  return `SET ${set.join(", ")}${isLast ? " REMOVE #gs1pk, #gs1sk" : ""}`;
}

function valuesOf(table: DynamoTable, { multipartId, state }: Change): Readonly<Record<string, unknown>> {
  const expiresAt = table.expiryAt(table.now() + limits.storeOutcomeMs);
  return {
    ...(multipartId === undefined ? {} : { multipartId }),
    ...(state === undefined ? {} : { state }),
    ...(isSettled(state) ? { expiresAt } : {}),
  };
}

function uploadOf({ transferId, objectKey, owner, startedAtMs, multipartId, state, contentId }: Item): StagedUpload {
  return { transferId, objectKey, owner, startedAtMs, multipartId, state, contentId } as StagedUpload;
}

function moveOf({ moveId, fromKey, toKey, type, etag, overwrite, owner, startedAtMs }: Item): StagedMove {
  return { moveId, fromKey, toKey, type, etag, overwrite, owner, startedAtMs } as StagedMove;
}
