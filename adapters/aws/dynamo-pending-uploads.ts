import type { PendingUpload, PendingUploadStore } from "../../ports/pending-uploads.ts";
import { ExpiringRecords } from "./dynamo-expiring-records.ts";
import type { DynamoTable } from "./dynamo-table.ts";
import { partitions } from "./env.ts";

const expiredAtOnce = 1000;

/**
 * Uploads in parts that have begun; their bytes are in the store. `expired` is late by fractions of a second and names
 * at most 1,000 at a time.
 */
export function createDynamoPendingUploadStore(table: DynamoTable): PendingUploadStore {
  const uploads = new ExpiringRecords<PendingUpload>(
    table,
    `${partitions.transfers}upload`,
    ({ uploadId, accountName, expiresAtMs }) => ({ id: uploadId, accountName, expiresAtMs }),
  );
  return {
    add: (upload) => uploads.add(upload),
    find: (uploadId) => uploads.find(uploadId),
    ofAccount: (accountName) => uploads.ofAccount(accountName),
    expired: (nowMs) => uploads.expired(nowMs, expiredAtOnce),
    remove: (uploadId) => uploads.remove(uploadId),
  };
}
