import { createSqliteResumableUploads } from "../../adapters/local/sqlite-resumable-uploads.ts";
import { ResumableUploads } from "../../service/session/resumable-uploads.ts";
import type { SessionServices } from "../../service/session/services.ts";
import { dataFiles } from "../cli/data-directory.ts";
import type { LocalServerOptions } from "./front.ts";

/** What is kept of uploads that broke off, known in the data directory. */
export function openResumableUploads(
  { dataDirectory }: LocalServerOptions,
  { objects, runtime }: Pick<SessionServices, "objects" | "runtime">,
): { readonly uploads: ResumableUploads; readonly close: () => void } {
  const store = createSqliteResumableUploads(dataFiles(dataDirectory).resumableUploads);
  const uploads = new ResumableUploads({ store, objects, runtime });
  const close = () => {
    uploads.close();
    store.close();
  };
  return { uploads, close };
}
