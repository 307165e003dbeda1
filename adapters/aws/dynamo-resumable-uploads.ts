import { limits } from "../../core/limits.ts";
import type { ResumableUpload, ResumableUploadStore } from "../../ports/resumable-uploads.ts";
import type { Expression, Item, Place } from "./dynamo-expressions.ts";
import type { DynamoTable } from "./dynamo-table.ts";
import { partitions } from "./env.ts";

const prefix = `${partitions.transfers}resumable`;
const expiredAtOnce = 1000;
/** As many digits as the greatest time has, so that texts are in the order of the times. */
const timeDigits = 15;

/**
 * An item for each account and place in the one table, in the partition of the account; it stays until it is removed,
 * or limits.expiredRecordMs behind its time. `expired` is late by fractions of a second.
 */
export function createDynamoResumableUploads(table: DynamoTable): ResumableUploadStore {
  return {
    find: async (accountName, objectKey) => {
      const item = await table.get(placeOf({ accountName, objectKey }));
      return item && uploadOf(item);
    },
    put: (upload, instead) => {
      const expiresAt = table.expiryAt(upload.expiresAtMs + limits.expiredRecordMs);
      const item = { ...placeOf(upload), ...byExpiry(upload), ...upload, expiresAt };
      return table.put(item, instead === undefined ? table.absent() : isStill(instead));
    },
    remove: (upload) => table.remove(placeOf(upload), isStill(upload.transferId)),
    ofAccount: async (accountName) => (await table.all({ partition: partitionOf(accountName) })).map(uploadOf),
    expired: async (nowMs) => {
      const between = [sortableTime(0), `${sortableTime(nowMs)}#\u{10ffff}`] as const;
      const query = { partition: `${prefix}#expiry`, index: true, between, limit: expiredAtOnce };
      return (await table.all(query)).map(uploadOf);
    },
  };
}

function partitionOf(accountName: string): string {
  return `${prefix}#account#${accountName}`;
}

function placeOf({ accountName, objectKey }: Pick<ResumableUpload, "accountName" | "objectKey">): Place {
  return { pk: partitionOf(accountName), sk: objectKey };
}

function byExpiry({ expiresAtMs, transferId }: ResumableUpload) {
  return { gs1pk: `${prefix}#expiry`, gs1sk: `${sortableTime(expiresAtMs)}#${transferId}` };
}

function isStill(transferId: string): Expression {
  return { expression: "#transferId = :transferId", values: { transferId } };
}

function uploadOf({ accountName, objectKey, transferId, keptBytes, expiresAtMs }: Item): ResumableUpload {
  return { accountName, objectKey, transferId, keptBytes, expiresAtMs } as ResumableUpload;
}

function sortableTime(ms: number): string {
  return String(Math.max(0, Math.ceil(ms))).padStart(timeDigits, "0");
}
