import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createDirectoryUploadParts } from "../../../adapters/local/directory-upload-parts.ts";
import { pendingUploadStoreContract } from "../../contract/pending-upload-store.contract.ts";

pendingUploadStoreContract("the uploads in parts below a folder", async () => {
  const directory = await mkdtemp(join(tmpdir(), "ferrygate-test-"));
  return {
    store: createDirectoryUploadParts(directory).uploads,
    reopen: async () => createDirectoryUploadParts(directory).uploads,
    dispose: () => rm(directory, { recursive: true }),
  };
});
