import type { StagedMove, StagedUpload, StagingRecord } from "../../adapters/aws/s3-staging.ts";

/** The record of uploads and renames of one process, which does not outlive it. */
export function createMemoryStaging(): StagingRecord {
  const uploads = new Map<string, StagedUpload>();
  const names = new Map<string, StagedMove>();
  return {
    add: async (upload) => void uploads.set(upload.transferId, upload),
    find: async (transferId) => uploads.get(transferId),
    change: async (transferId, change) => {
      const upload = uploads.get(transferId);
      if (upload) uploads.set(transferId, { ...upload, ...change });
      return upload !== undefined;
    },
    remove: async (transferId) => void uploads.delete(transferId),
    replaceKept: async (transferId, upload) => {
      if (uploads.get(transferId)?.state !== "kept") return false;
      uploads.delete(transferId);
      uploads.set(upload.transferId, upload);
      return true;
    },
    unpublished: async () => [...uploads.values()].filter(({ state }) => state === "open" || state === "aborted"),
    beginMove: async (move) => {
      if (names.has(move.fromKey) || names.has(move.toKey)) return false;
      for (const name of [move.fromKey, move.toKey]) names.set(name, move);
      return true;
    },
    moveAt: async (objectKey) => names.get(objectKey),
    endMove: async ({ moveId, fromKey, toKey }) => {
      for (const name of [fromKey, toKey]) if (names.get(name)?.moveId === moveId) names.delete(name);
    },
    moves: async () => [...new Set(names.values())],
  };
}
