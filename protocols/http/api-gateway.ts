import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from "aws-lambda";
import { FileError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import { toResponse } from "./answer.ts";
import type { HttpApplication, HttpLog } from "./application.ts";
import { eventStreamMediaType } from "./event-stream.ts";
import { MalformedRequest } from "./exchange.ts";
import { internalProblem, type Problem, problemAnswer, problemOf } from "./problem.ts";

/** A function for API Gateway: an HTTP API with a Lambda proxy integration, payload format 2.0, stage `$default`. */
export type GatewayHandler = (event: APIGatewayProxyEventV2) => Promise<APIGatewayProxyStructuredResultV2>;

/**
 * Serves the API behind API Gateway. Whatever a request leaves to be done, such as the end of its session, is done
 * when the promise resolves: a Lambda stands still from then on. The promise does not reject.
 * @param streamMs how long a stream of events may take; API Gateway sends an answer when it is whole
 */
export function createGatewayHandler(
  application: HttpApplication,
  log: HttpLog,
  streamMs: number = limits.gatewayStreamMs,
): GatewayHandler {
  return async (event) => {
    const over = new AbortController();
    const unfinished: Promise<unknown>[] = [];
    let timer: ReturnType<typeof setTimeout> | undefined;
    try {
      // The gateway does not tell the client's port.
      const peer = { address: event.requestContext.http.sourceIp, port: 0 };
      const request = requestOf(event, over.signal);
      const response = await application(request, peer, (work) => unfinished.push(work));
      // A stream of events ends in time; its client comes back for the rest.
      if (isStream(response)) timer = setTimeout(() => over.abort(), streamMs);
      return await resultOf(response);
    } catch (error) {
      return await encoded(toResponse(problemAnswer(problemAfter(error, log))));
    } finally {
      clearTimeout(timer);
      over.abort();
      await Promise.allSettled(unfinished);
    }
  };
}

/**
 * The gateway decodes `rawPath` and leaves `rawQueryString` as the client wrote it, so the path is encoded again; a
 * `/` that the client encoded cannot be told from any other. The origin is `http://localhost`, as it is for a socket.
 * @throws MalformedRequest
 */
function requestOf(event: APIGatewayProxyEventV2, signal: AbortSignal): Request {
  const { rawPath, rawQueryString, cookies, body, isBase64Encoded, requestContext } = event;
  const { method } = requestContext.http;
  try {
    const url = new URL("http://localhost");
    url.pathname = rawPath.split("/").map(encodeURIComponent).join("/");
    url.search = rawQueryString;
    const headers = new Headers(Object.entries(event.headers).map(([name, value]) => [name, value ?? ""]));
    if (cookies) headers.set("cookie", cookies.join("; "));
    const hasContent = body !== undefined && method !== "GET" && method !== "HEAD";
    const content = hasContent ? Buffer.from(body, isBase64Encoded ? "base64" : "utf8") : null;
    return new Request(url, { method, headers, body: content, signal });
  } catch (cause) {
    throw new MalformedRequest("the server does not take such requests", { cause });
  }
}

function isStream({ headers }: Response): boolean {
  return headers.get("content-type")?.startsWith(eventStreamMediaType) === true;
}

/** @throws FileError `too-large`; what the content fails with */
async function resultOf(response: Response): Promise<APIGatewayProxyStructuredResultV2> {
  const { headers, body } = response;
  if (body && Number(headers.get("content-length") ?? 0) > mostBytes(headers)) {
    void body.cancel().catch(() => {});
    throw tooLarge();
  }
  const result = await encoded(response);
  if (Buffer.byteLength(JSON.stringify(result)) > limits.lambdaResultBytes) throw tooLarge();
  return result;
}

async function encoded(response: Response): Promise<APIGatewayProxyStructuredResultV2> {
  const headers = new Headers(response.headers);
  const cookies = headers.getSetCookie();
  headers.delete("set-cookie");
  const content = await contentOf(response);
  const isBase64Encoded = !isText(headers);
  return {
    statusCode: response.status,
    headers: Object.fromEntries(headers),
    ...(cookies.length > 0 && { cookies }),
    body: content.toString(isBase64Encoded ? "base64" : "utf8"),
    isBase64Encoded,
  };
}

function isText(headers: Headers): boolean {
  return /^(text\/|application\/([\w.-]+\+)?json\b)/.test(headers.get("content-type") ?? "");
}

/** What content may have besides the header fields. Base64 makes four bytes of three, JSON as many of text or more. */
function mostBytes(headers: Headers): number {
  const room = limits.lambdaResultBytes - limits.httpHeaderBytes;
  return isText(headers) ? room : Math.floor(room / 4) * 3;
}

/** @throws FileError `too-large`, before more is held than can be sent, so that no download counts as complete */
async function contentOf({ body, headers }: Response): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body ?? []) {
    size += chunk.length;
    if (size > mostBytes(headers)) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function tooLarge(): FileError {
  const advice = "ask for a part of a file with Range, for a shorter list with limit";
  return new FileError("too-large", `the answer is larger than the gateway lets through: ${advice}`);
}

function problemAfter(error: unknown, log: HttpLog): Problem {
  if (error instanceof FileError) return problemOf(error);
  if (error instanceof MalformedRequest) return { code: "malformed-request", detail: error.message };
  log.error("request failed", { error: error instanceof Error ? error.stack : `${error}` });
  return internalProblem;
}
