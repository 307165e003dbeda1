import { randomUUID } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { link, mkdir, rename, rm, stat } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createSelfSignedCertificate, createTlsPrivateKey } from "../../adapters/node/tls-certificate.ts";

/** A web server that keeps files as RFC 9110 has it, with MOVE of RFC 4918: what simple partners run. */
export interface HttpsFileServer {
  readonly url: string;
  /** PEM; it is its own authority. */
  readonly certificate: string;
  close(): Promise<void>;
}

export interface HttpsFileServerOptions {
  /** A file needs its folder to be there, as RFC 4918 §9.7.1 has it. */
  readonly folders?: boolean;
  /** What every PUT is answered with instead of being done. */
  readonly put?: { readonly status: number; readonly headers: Record<string, string>; readonly text: string };
}

export async function startHttpsFileServer(
  files: string,
  { folders = false, put }: HttpsFileServerOptions = {},
): Promise<HttpsFileServer> {
  const privateKey = createTlsPrivateKey();
  const certificate = createSelfSignedCertificate(privateKey, ["127.0.0.1"], Date.now() - 60_000);
  const server = createServer({ cert: certificate, key: privateKey }, (request, response) => {
    if (put && request.method === "PUT") {
      request.resume().on("end", () => response.writeHead(put.status, put.headers).end(put.text));
      return;
    }
    const done = folders ? answerWithFolders(files, request, response) : answer(files, request, response);
    done.catch((error: NodeJS.ErrnoException) => {
      if (response.headersSent) response.destroy();
      else response.writeHead(error.code === "ENOENT" ? 404 : error.code === "EEXIST" ? 412 : 500).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `https://127.0.0.1:${port}`,
    certificate,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function answerWithFolders(files: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const file = fileOf(files, request.url ?? "/");
  if (request.method === "MKCOL") {
    const made = await mkdir(file).catch((error: NodeJS.ErrnoException) => error.code);
    response.writeHead(made === undefined ? 201 : made === "EEXIST" ? 405 : 409).end();
    return;
  }
  const folder = await stat(dirname(file)).catch(() => undefined);
  if (request.method !== "PUT" || folder?.isDirectory()) return answer(files, request, response);
  request.resume();
  response.writeHead(409).end();
}

function fileOf(files: string, url: string): string {
  return join(files, decodeURIComponent(new URL(url, "https://x").pathname));
}

async function answer(files: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const fileAt = (url: string) => fileOf(files, url);
  const file = fileAt(request.url ?? "/");
  switch (request.method) {
    case "PUT":
      return receive(file, request, response);
    case "MOVE": {
      const target = fileAt(String(request.headers.destination));
      await stat(file);
      await mkdir(dirname(target), { recursive: true });
      if (request.headers.overwrite === "F") await link(file, target);
      else await rename(file, target);
      await rm(file, { force: true });
      response.writeHead(201).end();
      return;
    }
    case "DELETE":
      await rm(file);
      response.writeHead(204).end();
      return;
    default:
      return send(file, request, response);
  }
}

async function receive(file: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const temporary = `${file}.${randomUUID()}`;
  await mkdir(dirname(file), { recursive: true });
  try {
    await pipeline(request, createWriteStream(temporary));
    if (request.headers["if-none-match"] === "*") await link(temporary, file);
    else await rename(temporary, file);
  } finally {
    await rm(temporary, { force: true });
  }
  response.writeHead(201).end();
}

async function send(file: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { size, mtime } = await stat(file);
  const etag = `"${mtime.getTime().toString(16)}-${size}"`;
  const { range = "", "if-range": condition = etag } = request.headers;
  const [, from] = condition === etag ? (/^bytes=(\d+)-$/.exec(range) ?? []) : [];
  const start = Number(from ?? 0);
  response.writeHead(from === undefined ? 200 : 206, {
    "content-length": size - start,
    etag,
    "last-modified": mtime.toUTCString(),
  });
  if (request.method === "HEAD") response.end();
  else await pipeline(createReadStream(file, { start }), response);
}
