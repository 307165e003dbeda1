import { type ClientRequest, request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import type { LookupFunction } from "node:net";

export interface PostRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** From the beginning to the last byte of the answer. */
  readonly timeoutMs: number;
  /** An answer that is longer is an error. */
  readonly answerBytes: number;
  /** Resolves the host's name in the place of the system's resolver. It is not asked about addresses. */
  readonly lookup?: LookupFunction | undefined;
}

export interface PostAnswer {
  readonly status: number;
  /** By their names in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: Buffer;
}

/**
 * Posts a text and reads the whole answer. Redirects are answers like any other. @throws Error when there is no
 * complete answer in time and size; its message has no part of what was sent.
 */
export function post({ url, headers, body, timeoutMs, answerBytes, lookup }: PostRequest): Promise<PostAnswer> {
  return new Promise((resolve, reject) => {
    const content = Buffer.from(body);
    const send = url.startsWith("https:") ? httpsRequest : httpRequest;
    const options = {
      method: "POST",
      headers: { ...headers, "content-length": `${content.length}` },
      signal: AbortSignal.timeout(timeoutMs),
      ...(lookup && { lookup }),
    };
    const request: ClientRequest = send(url, options, (answer) => {
      readAnswer(answer, answerBytes).then(resolve, (error: unknown) => {
        request.destroy();
        reject(error);
      });
    });
    request.on("error", (error) => {
      const isTimeout = error.name === "AbortError" || error.name === "TimeoutError";
      reject(isTimeout ? new Error(`no complete answer within ${timeoutMs / 1000} s`) : error);
    });
    request.end(content);
  });
}

async function readAnswer(answer: IncomingMessage, answerBytes: number): Promise<PostAnswer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of answer) {
    length += chunk.length;
    if (length > answerBytes) throw new Error(`the answer is over ${answerBytes} bytes`);
    chunks.push(chunk);
  }
  if (!answer.complete) throw new Error("the answer is cut off");
  return { status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(chunks) };
}
