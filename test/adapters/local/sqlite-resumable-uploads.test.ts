import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSqliteResumableUploads } from "../../../adapters/local/sqlite-resumable-uploads.ts";
import { resumableUploadStoreContract } from "../../contract/resumable-upload-store.contract.ts";

resumableUploadStoreContract("what is known of uploads that broke off, in a SQLite file", async () => {
  const directory = await mkdtemp(join(tmpdir(), "ferrygate-test-"));
  const open = () => createSqliteResumableUploads(join(directory, "resumable.sqlite"));
  const stores = [open()];
  return {
    store: stores[0] ?? open(),
    reopen: async () => {
      const store = open();
      stores.push(store);
      return store;
    },
    dispose: async () => {
      for (const store of stores) store.close();
      await rm(directory, { recursive: true });
    },
  };
});
