import { randomBytes, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

/**
 * As much of S3 as a transfer asks for, over TLS, for measuring the client of it: it takes content without looking at
 * it, remembers sizes, and answers reads with other bytes. `s3-sink.ts CERTIFICATE PRIVATE-KEY [LATENCY]` prints its
 * port; every answer comes the latency, in milliseconds, later.
 */
interface Stored {
  readonly size: number;
  readonly metadata: Readonly<Record<string, string>>;
}

const objects = new Map<string, Stored>();
const uploads = new Map<string, { size: number; readonly metadata: Readonly<Record<string, string>> }>();
const content = randomBytes(16 * 1024 ** 2);
const etag = '"0123456789abcdef0123456789abcdef"';

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? "/", "https://sink");
  const objectKey = decodeURIComponent(pathname.split("/").slice(2).join("/"));
  const multipartId = searchParams.get("uploadId");
  const upload = uploads.get(multipartId ?? "");
  const size = await drained(request);
  if (latencyMs > 0) await delay(latencyMs);
  if (request.method === "PUT" && upload) upload.size += size;
  else if (request.method === "PUT") objects.set(objectKey, { size, metadata: metadataIn(request.headers) });
  if (request.method === "PUT") response.setHeader("etag", etag).end();
  else if (request.method === "POST" && searchParams.has("uploads")) begin(request, response);
  else if (request.method === "POST" && upload) complete(objectKey, multipartId ?? "", response);
  else if (request.method === "DELETE") remove(objectKey, response);
  else if (searchParams.has("list-type")) list(searchParams, response);
  else send(objects.get(objectKey), request, response);
}

function drained(request: IncomingMessage): Promise<number> {
  return new Promise((resolve) => {
    let size = 0;
    request.on("data", (chunk: Buffer) => {
      size += chunk.length;
    });
    request.once("end", () => resolve(size));
  });
}

function metadataIn(headers: IncomingHttpHeaders): Readonly<Record<string, string>> {
  const found = Object.entries(headers).filter(([name]) => name.startsWith("x-amz-meta-"));
  return Object.fromEntries(found.map(([name, value]) => [name, `${value}`]));
}

function begin(request: IncomingMessage, response: ServerResponse): void {
  const multipartId = randomUUID();
  uploads.set(multipartId, { size: 0, metadata: metadataIn(request.headers) });
  const uploadId = `<UploadId>${multipartId}</UploadId>`;
  response.end(`<InitiateMultipartUploadResult>${uploadId}</InitiateMultipartUploadResult>`);
}

function complete(objectKey: string, multipartId: string, response: ServerResponse): void {
  const upload = uploads.get(multipartId);
  if (upload) objects.set(objectKey, upload);
  uploads.delete(multipartId);
  response.end(`<CompleteMultipartUploadResult><ETag>${etag}</ETag></CompleteMultipartUploadResult>`);
}

function remove(objectKey: string, response: ServerResponse): void {
  objects.delete(objectKey);
  response.writeHead(204).end();
}

/** One page: no folder of a benchmark has more. */
function list(search: URLSearchParams, response: ServerResponse): void {
  const [prefix, delimiter] = [search.get("prefix") ?? "", search.get("delimiter")];
  const found = [...objects].filter(([name]) => name.startsWith(prefix)).sort(([a], [b]) => (a < b ? -1 : 1));
  const isBelow = (name: string) => delimiter !== null && name.slice(prefix.length).includes(delimiter);
  const folders = new Set(
    found.filter(([name]) => isBelow(name)).map(([name]) => `${prefix}${name.slice(prefix.length).split("/")[0]}/`),
  );
  const most = Number(search.get("max-keys") ?? 1000);
  const contents = found.filter(([name]) => !isBelow(name)).slice(0, most);
  const lines = [
    ...contents.map(
      ([name, { size }]) =>
        `<Contents><Key>${name}</Key><Size>${size}</Size><ETag>${etag}</ETag>` +
        `<LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>`,
    ),
    ...[...folders].map((name) => `<CommonPrefixes><Prefix>${name}</Prefix></CommonPrefixes>`),
  ];
  response.end(`<ListBucketResult><IsTruncated>false</IsTruncated>${lines.join("")}</ListBucketResult>`);
}

function send(stored: Stored | undefined, request: IncomingMessage, response: ServerResponse): void {
  if (!stored) {
    response.writeHead(404).end(request.method === "HEAD" ? "" : "<Error><Code>NoSuchKey</Code></Error>");
    return;
  }
  const { size, metadata } = stored;
  const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "");
  const first = Number(range?.[1] ?? 0);
  const last = Math.min(Number(range?.[2] ?? size), size - 1);
  const headers = { ...metadata, etag, "last-modified": "Thu, 01 Jan 2026 00:00:00 GMT" };
  const length = last - first + 1;
  if (range)
    response.writeHead(206, { ...headers, "content-length": length, "content-range": rangeOf(first, last, size) });
  else response.writeHead(200, { ...headers, "content-length": size });
  if (request.method === "HEAD") response.end();
  else response.end(content.subarray(0, length));
}

function rangeOf(first: number, last: number, size: number): string {
  return `bytes ${first}-${last}/${size}`;
}

const [certificateFile = "", privateKeyFile = "", latency = "0"] = process.argv.slice(2);
const latencyMs = Number(latency);
const tls = { cert: readFileSync(certificateFile), key: readFileSync(privateKeyFile) };
const server = createServer(tls, (request, response) => void answer(request, response));
server.keepAliveTimeout = 60_000;
server.listen(0, "localhost", () => console.log((server.address() as AddressInfo).port));
