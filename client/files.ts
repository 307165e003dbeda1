import type { ApiClient, CallOptions } from "./api-client.ts";
import type { RequestContent } from "./request-content.ts";
import type { Directory, Receipt } from "./schemas.ts";

type Entry = Directory["entries"][number];

/** The entries of a folder (a path with a `/` at its end), page after page. */
export async function* listFolder(client: ApiClient, path: string, limit?: number): AsyncGenerator<Entry> {
  for (let cursor: string | undefined, isMore = true; isMore; isMore = cursor !== undefined) {
    const query = { path, ...(limit !== undefined && { limit }), ...(cursor !== undefined && { cursor }) };
    const { body } = await client.call("getFile", { query });
    const page = folderOf(body);
    yield* page.entries;
    cursor = page.next;
  }
}

function folderOf(body: unknown): Directory {
  if (typeof body === "object" && body !== null && "entries" in body) return body as Directory;
  throw new Error("the path of a folder has a / at its end");
}

export interface Download {
  readonly content: ReadableStream<Uint8Array>;
  /** Of the whole file, without quotes. */
  readonly etag: string;
  /** Of what is sent. */
  readonly bytes: number;
}

/** What of a file to download, and which version. */
export interface DownloadOptions extends CallOptions {
  /** The first byte that is wanted; those behind it follow. */
  readonly from?: number;
  /** 412 for any other version, so that a download that goes on cannot mix two. */
  readonly etag?: string;
}

/** The content of a file, to be read or cancelled. @throws ProblemError 403, 404, 412, 416 */
export async function download(
  client: ApiClient,
  path: string,
  { from, etag, ...options }: DownloadOptions = {},
): Promise<Download> {
  const headers = {
    ...(from !== undefined && from > 0 && { Range: `bytes=${from}-` }),
    ...(etag !== undefined && { "If-Match": `"${etag}"` }),
  };
  const { body, headers: answered } = await client.call("getFile", { query: { path }, headers }, options);
  if (!(body instanceof ReadableStream)) throw new Error("the path of a file has no / at its end");
  const version = (answered.get("etag") ?? "").replaceAll('"', "");
  return { content: body, etag: version, bytes: Number(answered.get("content-length") ?? 0) };
}

/** Which file an upload may take the place of, and what its content has to be. */
export interface UploadOptions extends CallOptions {
  /** `none`: no file may be there; otherwise the ETag of the one to replace. 412 */
  readonly replaces?: "none" | { readonly etag: string };
  /** SHA-256 in hex; any other content is not published (422). */
  readonly sha256?: string;
}

/**
 * Uploads a file in one request; a `Blob` or bytes are sent again where the server asks for that, a stream is not.
 * @returns the receipt of the file that is published @throws ProblemError 403, 404, 409, 412, 422
 */
export async function upload(
  client: ApiClient,
  path: string,
  content: RequestContent,
  { replaces, sha256, ...options }: UploadOptions = {},
): Promise<Receipt> {
  const headers = { ...replacementHeaders(replaces), ...(sha256 && { "Content-Digest": digestHeader(sha256) }) };
  const { body } = await client.call("putFile", { query: { path }, headers, body: content }, options);
  if ("sha256" in body) return body;
  throw new Error("a file's path has no / at its end");
}

export function replacementHeaders(replaces: UploadOptions["replaces"]) {
  if (replaces === undefined) return {};
  return replaces === "none" ? { "If-None-Match": "*" } : { "If-Match": `"${replaces.etag}"` };
}

/** As RFC 9530 writes a digest. */
export function digestHeader(sha256: string): string {
  const bytes = (sha256.match(/../g) ?? []).map((pair) => String.fromCharCode(Number.parseInt(pair, 16)));
  return `sha-256=:${btoa(bytes.join(""))}:`;
}
