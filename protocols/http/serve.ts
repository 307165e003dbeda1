import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Peer } from "../../core/accounting-event.ts";
import { toResponse } from "./answer.ts";
import type { HttpApplication, HttpLog } from "./application.ts";
import { MalformedRequest, toRequest, writeResponse } from "./exchange.ts";
import { internalProblem, type Problem, problemAnswer } from "./problem.ts";

interface Service {
  readonly application: HttpApplication;
  readonly log: HttpLog;
}

/** Has one request answered. The request's signal fires when its client goes away before the end of the response. */
export async function serve(
  { application, log }: Service,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const aborted = new AbortController();
  outgoing.once("close", () => {
    if (!outgoing.writableFinished) aborted.abort();
  });
  try {
    const request = toRequest(incoming, aborted.signal);
    await writeResponse(await application(request, peerOf(incoming.socket)), outgoing);
    // Where the application read a part of the content, the rest would block the connection.
    if (request.bodyUsed && !incoming.complete) incoming.destroy();
  } catch (error) {
    const problem = problemAfter(error, outgoing, log);
    if (problem) await writeResponse(toResponse(problemAnswer(problem)), outgoing).catch(() => outgoing.destroy());
  }
}

/** What to answer after this error; undefined when the response has begun already, or its client is gone. */
function problemAfter(error: unknown, outgoing: ServerResponse, log: HttpLog): Problem | undefined {
  if (error instanceof MalformedRequest) return { code: "malformed-request", detail: error.message };
  const isGone = outgoing.destroyed && (error as NodeJS.ErrnoException).code === "ERR_STREAM_PREMATURE_CLOSE";
  const begun = outgoing.headersSent;
  if (!isGone) {
    const text = error instanceof Error ? error.stack : `${error}`;
    log.error(begun ? "response cut short" : "request failed", { error: text });
  }
  return begun ? undefined : internalProblem;
}

/** A socket for IPv6 and IPv4 shows IPv4 addresses as mapped (RFC 4291 §2.5.5.2); records show them as they are. */
function peerOf({ remoteAddress = "", remotePort = 0 }: Socket): Peer {
  return { address: remoteAddress.replace(/^::ffff:(?=[\d.]+$)/i, ""), port: remotePort };
}
