import { createHash } from "node:crypto";
import { FileError } from "../../core/errors.ts";
import type { Session } from "../../service/session/session.ts";
import type { Receipt, Upload } from "../../service/session/upload.ts";
import { conditionFailed, uploadConditions } from "./conditions.ts";
import { announcedSha256 } from "./content-digest.ts";
import { RequestError } from "./request-error.ts";

/** PUT of a file: its content as an upload, taken from the client no faster than the store takes it. */
export async function receiveFile(session: Session, path: string, request: Request): Promise<Receipt> {
  const { headers } = request;
  refuseCodings(headers);
  const conditions = uploadConditions(headers);
  const options = { ...conditions, sha256: announcedSha256(headers), bytes: announcedBytes(headers) };
  try {
    return await filled(await session.upload(path, options), contentOf(request));
  } catch (error) {
    throw conditionFailed(error, conditions);
  }
}

/** Sends the content through the upload and publishes it. What cuts the content short aborts the upload. */
async function filled(upload: Upload, content: AsyncIterable<Uint8Array>): Promise<Receipt> {
  try {
    for await (const chunk of content) await upload.append(chunk);
  } catch (error) {
    const isExpected = error instanceof FileError || error instanceof RequestError;
    await upload.abort(isExpected ? error.message : "internal error");
    throw error;
  }
  const receipt = await upload.commit();
  // Undefined is for uploads that build on an existing file, which this one does not.
  if (!receipt) throw new Error("an upload that replaces a file has no receipt");
  return receipt;
}

/** The content of a request, held against the digest that it announces. @throws as {@link receiveFile} */
export function checkedContent(request: Request): AsyncIterable<Uint8Array> {
  refuseCodings(request.headers);
  const sha256 = announcedSha256(request.headers);
  return sha256 === undefined ? contentOf(request) : digested(contentOf(request), sha256);
}

async function* digested(content: AsyncIterable<Uint8Array>, expected: string): AsyncGenerator<Uint8Array> {
  const hash = createHash("sha256");
  for await (const chunk of content) {
    hash.update(chunk);
    yield chunk;
  }
  if (hash.digest("hex") === expected) return;
  throw new FileError("integrity", "the content does not have the SHA-256 that was announced");
}

async function* contentOf({ body }: Request): AsyncGenerator<Uint8Array> {
  const reader = body?.getReader();
  if (!reader) return;
  try {
    for (let chunk = await nextOf(reader); chunk; chunk = await nextOf(reader)) yield chunk;
  } finally {
    await reader.cancel().catch(() => {});
  }
}

/** @throws RequestError `content-incomplete` when the client goes away, or takes too long. */
async function nextOf(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<Uint8Array | undefined> {
  try {
    return (await reader.read()).value;
  } catch {
    throw new RequestError("content-incomplete", "the connection was lost before the end of the content");
  }
}

/** Stored as it comes, coded content would not be the file; a part would not be the whole (RFC 9110 §14.5). */
function refuseCodings(headers: Headers): void {
  const coding = headers.get("content-encoding")?.trim().toLowerCase() ?? "";
  if (coding !== "" && coding !== "identity") {
    throw new RequestError("unsupported-media-type", "the content is to be sent without a Content-Encoding");
  }
  if (headers.has("content-range")) {
    const message = "a part of a file cannot be sent alone; POST /v1/uploads takes a file in parts";
    throw new FileError("invalid-argument", message, { field: "content-range" });
  }
}

function announcedBytes(headers: Headers): number | undefined {
  const length = headers.get("content-length");
  return length === null ? undefined : Number(length);
}
