import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createDirectoryUploadParts } from "../../adapters/local/directory-upload-parts.ts";
import type { UploadServices } from "../../protocols/http/upload-operations.ts";
import { PartUploads } from "../../service/session/part-uploads.ts";
import { dataFiles, exists, writePrivateFile } from "../cli/data-directory.ts";
import type { FrontServices, LocalServerOptions } from "./front.ts";

const secretBytes = 32;

/** Uploads in parts, kept in the data directory. */
export async function openPartUploads(
  { dataDirectory }: LocalServerOptions,
  { services }: FrontServices,
): Promise<UploadServices> {
  const files = dataFiles(dataDirectory);
  const partUploads = new PartUploads({ services, ...createDirectoryUploadParts(files.uploads) });
  return { partUploads, urlSecret: await readSecret(files.uploadUrlSecret) };
}

/** Made at the first start. */
async function readSecret(file: string): Promise<Uint8Array> {
  if (!(await exists(file))) await writePrivateFile(file, `${randomBytes(secretBytes).toString("hex")}\n`);
  return Buffer.from((await readFile(file, "utf8")).trim(), "hex");
}
