import type { ObjectStore } from "../../ports/object-store.ts";
import type { ResumableUpload, ResumableUploadStore } from "../../ports/resumable-uploads.ts";
import { ResumableUploads } from "../../service/session/resumable-uploads.ts";
import { createMemoryObjectStore } from "./memory-object-store.ts";
import { createMemoryRuntime } from "./memory-ports.ts";

type UploadPlace = Pick<ResumableUpload, "accountName" | "objectKey">;

/** A {@link ResumableUploadStore} of one process. */
export function createMemoryResumableUploads(): ResumableUploadStore {
  const uploads = new Map<string, ResumableUpload>();
  const placeOf = ({ accountName, objectKey }: UploadPlace) => JSON.stringify([accountName, objectKey]);
  return {
    find: async (accountName, objectKey) => uploads.get(placeOf({ accountName, objectKey })),
    put: async (upload, instead) => {
      if (uploads.get(placeOf(upload))?.transferId !== instead) return false;
      uploads.set(placeOf(upload), upload);
      return true;
    },
    remove: async (upload) =>
      uploads.get(placeOf(upload))?.transferId === upload.transferId && uploads.delete(placeOf(upload)),
    ofAccount: async (name) => [...uploads.values()].filter(({ accountName }) => accountName === name),
    expired: async (nowMs) => [...uploads.values()].filter(({ expiresAtMs }) => expiresAtMs <= nowMs),
  };
}

/** Changes of the services in memory with which uploads that break off are kept, where the account wants that. */
export function resumableServices(objects: ObjectStore = createMemoryObjectStore()) {
  const [runtime, store] = [createMemoryRuntime(), createMemoryResumableUploads()];
  return { objects, runtime, resumable: new ResumableUploads({ objects, runtime, store }) };
}
