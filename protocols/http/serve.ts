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
  readonly lingerMs: number;
}

interface Exchange {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  /** The client sends its content only after 100 Continue (RFC 9110 §10.1.1). */
  readonly awaitsContinue: boolean;
}

/** Has one request answered. The request's signal fires when its client goes away before the end of the response. */
export async function serve(
  { application, log, lingerMs }: Service,
  { incoming, outgoing, awaitsContinue }: Exchange,
): Promise<void> {
  const aborted = new AbortController();
  outgoing.once("close", () => {
    if (!outgoing.writableFinished) aborted.abort();
  });
  // A client that is refused before it sends its content may send it or not: nothing can follow on its connection.
  const { shouldKeepAlive } = outgoing;
  if (awaitsContinue) outgoing.shouldKeepAlive = false;
  const goOn = () => {
    if (!awaitsContinue || outgoing.headersSent) return;
    outgoing.writeContinue();
    outgoing.shouldKeepAlive = shouldKeepAlive;
  };
  try {
    const request = toRequest(incoming, aborted.signal, goOn);
    await writeResponse(await application(request, peerOf(incoming.socket)), outgoing);
    discardRest(incoming, lingerMs);
  } catch (error) {
    const problem = problemAfter(error, outgoing, log);
    if (problem) await writeResponse(toResponse(problemAnswer(problem)), outgoing).catch(() => outgoing.destroy());
  }
}

/**
 * What is still to come of the content has no reader. It is taken for a while, since closing a connection on bytes that
 * are under way could cost the client the answer (RFC 9112 §9.6).
 */
function discardRest(incoming: IncomingMessage, lingerMs: number): void {
  if (incoming.complete || incoming.destroyed) return;
  const timer = setTimeout(() => incoming.destroy(), lingerMs).unref();
  incoming.once("close", () => clearTimeout(timer));
  incoming.resume();
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
