import type { IncomingMessage, ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import { ReadableStream } from "node:stream/web";

/** A request that breaks HTTP in a way that Node's parser lets pass. The message may be shown to the client. */
export class MalformedRequest extends Error {
  override readonly name = "MalformedRequest";
}

/**
 * The request as the web's Request. Its content is read from the socket only as fast as it is consumed. The origin of
 * its URL is always `http://localhost`: nothing is to depend on what a client writes into Host. `beforeContent` is
 * called when the content is read for the first time.
 * @throws MalformedRequest
 */
export function toRequest(incoming: IncomingMessage, signal: AbortSignal, beforeContent = () => {}): Request {
  const { method = "", rawHeaders } = incoming;
  if (incoming.httpVersionMajor !== 1) throw new MalformedRequest("the server speaks HTTP/1.1");
  // RFC 9112 §3.2: 400 for HTTP/1.1 without Host, and for any request with more than one.
  const hosts = incoming.headersDistinct.host?.length ?? 0;
  if (hosts > 1 || (hosts === 0 && incoming.httpVersion === "1.1")) {
    throw new MalformedRequest("a request needs exactly one Host field");
  }
  const headers = new Headers();
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    headers.append(rawHeaders[index] ?? "", rawHeaders[index + 1] ?? "");
  }
  const url = `http://localhost${targetOf(incoming)}`;
  const body = hasContent(incoming) ? ReadableStream.from(contentOf(incoming, beforeContent)) : null;
  try {
    return new Request(url, { method: carriedMethod(method), headers, body, signal, duplex: "half" });
  } catch (cause) {
    throw new MalformedRequest("the server does not take such requests", { cause });
  }
}

/**
 * Request takes no TRACE, which would send credentials back, and no CONNECT. No resource has them, nor OPTIONS: each is
 * answered 405, with the methods that there are.
 */
export function carriedMethod(method: string): string {
  return /^(TRACE|TRACK|CONNECT)$/i.test(method) ? "OPTIONS" : method;
}

/** Reading begins with the first pull, and giving up leaves the connection open for the response. */
async function* contentOf(incoming: IncomingMessage, beforeContent: () => void): AsyncGenerator<Uint8Array> {
  beforeContent();
  yield* incoming.iterator({ destroyOnReturn: false });
}

/** Origin-form or absolute-form (RFC 9112 §3.2); the authority of the latter is not looked at, as Host is not. */
function targetOf({ url = "" }: IncomingMessage): string {
  if (url.startsWith("/")) return url;
  const absolute = URL.parse(url);
  if (!absolute) throw new MalformedRequest("the request target is neither a path nor a URL");
  return absolute.pathname + absolute.search;
}

/** RFC 9112 §6: one of two fields announces content. Content of GET and HEAD means nothing (RFC 9110 §9.3.1). */
function hasContent({ method, headers }: IncomingMessage): boolean {
  if (method === "GET" || method === "HEAD") return false;
  return headers["content-length"] !== undefined || headers["transfer-encoding"] !== undefined;
}

/**
 * Writes the response, no faster than the client reads. Rejects when its content fails, or is not as long as its
 * Content-Length says: the connection is then destroyed, so that the client sees that something is missing.
 */
export async function writeResponse(response: Response, outgoing: ServerResponse): Promise<void> {
  if (outgoing.headersSent || outgoing.destroyed) return response.body?.cancel();
  outgoing.strictContentLength = true;
  outgoing.writeHead(response.status, [...response.headers].flat());
  if (response.body === null) outgoing.end();
  else await pipeline(response.body, outgoing);
}
