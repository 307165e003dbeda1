import type { ApiClient, CallOptions } from "./api-client.ts";
import { digestHeader, replacementHeaders, type UploadOptions } from "./files.ts";
import type { RequestContent } from "./request-content.ts";
import type { PendingUploadWithParts, Receipt } from "./schemas.ts";

/** A file whose parts can be read in any order and again: a `Blob`, such as that of `fs.openAsBlob`. */
export interface PartSource {
  readonly size: number;
  slice(start: number, end: number): RequestContent;
}

export interface PartsOptions extends UploadOptions {
  readonly partSizeBytes?: number;
  /** Parts on their way at the same time. */
  readonly concurrency?: number;
  /** Told of the upload's id before the first part is sent, to go on with it after a failure. */
  readonly started?: (uploadId: string) => void;
}

const defaultConcurrency = 4;

/**
 * Uploads a large file in parts. What fails leaves an upload that `resumeUpload` can go on with until it expires.
 * @throws ProblemError 403, 404, 409, 412, 422
 */
export async function uploadInParts(
  client: ApiClient,
  path: string,
  source: PartSource,
  options: PartsOptions = {},
): Promise<Receipt> {
  const { partSizeBytes, replaces, started, signal } = options;
  const body = { path, bytes: source.size, ...(partSizeBytes !== undefined && { partSizeBytes }) };
  const headers = replacementHeaders(replaces);
  const { body: upload } = await client.call("startUpload", { body, headers }, { signal });
  started?.(upload.uploadId);
  return sendMissing(client, upload, source, options);
}

/** Goes on with an upload: the parts that the server has are not sent again. @throws ProblemError 404 and as above */
export async function resumeUpload(
  client: ApiClient,
  uploadId: string,
  source: PartSource,
  options: PartsOptions = {},
): Promise<Receipt> {
  const { body } = await client.call("getUpload", { parameters: { uploadId } }, { signal: options.signal });
  return sendMissing(client, body, source, options);
}

async function sendMissing(
  client: ApiClient,
  upload: PendingUploadWithParts,
  source: PartSource,
  options: PartsOptions,
): Promise<Receipt> {
  if (upload.bytes !== undefined && upload.bytes !== source.size) throw new Error("the file has another size by now");
  const waiting = missingParts(upload, source.size).values();
  // Each takes the next part when it is done with one; the first failure stops the others before their next.
  const stop = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, stop.signal]) : stop.signal;
  const work = async () => {
    for (const partNumber of waiting) await sendPart(client, upload, source, { partNumber, signal });
  };
  const workers = Array.from({ length: options.concurrency ?? defaultConcurrency }, work);
  await Promise.all(workers).catch((error: unknown) => {
    stop.abort(error);
    throw error;
  });
  return complete(client, upload.uploadId, options);
}

function missingParts({ parts, partSizeBytes }: PendingUploadWithParts, bytes: number): number[] {
  const bytesOf = new Map(parts.map((part) => [part.partNumber, part.bytes]));
  // An upload has at least one part, even that of an empty file.
  const count = Math.max(1, Math.ceil(bytes / partSizeBytes));
  return Array.from({ length: count }, (_, index) => index + 1).filter((partNumber) => {
    const expectedBytes = Math.min(partSizeBytes, bytes - (partNumber - 1) * partSizeBytes);
    return bytesOf.get(partNumber) !== expectedBytes;
  });
}

/** The signed URL of a part needs no login, so it may lead to another server, which gets no credentials. */
async function sendPart(
  client: ApiClient,
  { partUrl, partSizeBytes }: PendingUploadWithParts,
  source: PartSource,
  { partNumber, signal }: { partNumber: number; signal: AbortSignal },
): Promise<void> {
  const start = (partNumber - 1) * partSizeBytes;
  const content = source.slice(start, Math.min(start + partSizeBytes, source.size));
  const target = partUrl.replace("{partNumber}", `${partNumber}`);
  const response = await client.as(undefined).request("PUT", target, { body: content, signal });
  await response.body?.cancel();
}

async function complete(client: ApiClient, uploadId: string, options: PartsOptions & CallOptions): Promise<Receipt> {
  const { replaces, sha256, signal } = options;
  const headers = { ...replacementHeaders(replaces), ...(sha256 && { "Repr-Digest": digestHeader(sha256) }) };
  const { body } = await client.call("completeUpload", { parameters: { uploadId }, headers }, { signal });
  return body;
}
