import { resumableUploadStoreContract } from "../contract/resumable-upload-store.contract.ts";
import { createMemoryResumableUploads } from "./memory-resumable-uploads.ts";

resumableUploadStoreContract("what is known of uploads that broke off, in the tests", async () => {
  const store = createMemoryResumableUploads();
  return { store, reopen: async () => store, dispose: async () => {} };
});
