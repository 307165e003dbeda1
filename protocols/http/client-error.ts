import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { type Answer, toFinalMessage, toResponse } from "./answer.ts";
import { writeResponse } from "./exchange.ts";
import { type Problem, problemAnswer, titleOf } from "./problem.ts";

/** What a client did to HTTP on a connection, and the requests that are in progress there, in their order. */
interface ClientError {
  readonly code: string | undefined;
  readonly socket: Socket;
  readonly requests: ReadonlySet<ServerResponse>;
  readonly lingerMs: number;
}

/**
 * Answers bytes that are no HTTP, and requests that take too long, and lets the connection end. A response that has
 * begun cannot be taken back: then the connection is destroyed.
 */
export function answerClientError({ code = "", socket, requests, lingerMs }: ClientError): void {
  // Every further byte is reported again.
  if (socket.writableEnded) return;
  const problem = problemFor(code);
  const last = [...requests].at(-1);
  const isUnfinished = last !== undefined && !last.req.complete;
  if (!problem || (isUnfinished && last.headersSent)) {
    socket.destroy();
    return;
  }
  const answer = problemAnswer(problem);
  if (last) last.shouldKeepAlive = false;
  else endWith(socket, answer, lingerMs);
  if (isUnfinished) writeResponse(toResponse(answer), last).catch(() => socket.destroy());
}

/** Destroyed with bytes unread, a connection is reset, and the reset may overtake the answer (RFC 9112 §9.6). */
function endWith(socket: Socket, answer: Answer, lingerMs: number): void {
  socket.end(toFinalMessage(answer, titleOf(answer.status)));
  setTimeout(() => socket.destroy(), lingerMs).unref();
}

/** By the codes of Node and its parser (`HPE_…`). Anything else is a failure of the connection, or of TLS. */
function problemFor(code: string): Problem | undefined {
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") return { code: "request-timeout", detail: "the request took too long" };
  if (code === "HPE_HEADER_OVERFLOW") return { code: "header-too-large", detail: "the header section is too large" };
  return code.startsWith("HPE_") ? { code: "malformed-request", detail: "this is not HTTP/1.1" } : undefined;
}
