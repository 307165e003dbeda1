import { Hono } from "hono";
import type { Peer } from "../../core/accounting-event.ts";
import { FileError } from "../../core/errors.ts";
import type { ReadEvents } from "../../service/audit/read-events.ts";
import type { OpenSession } from "../../service/session/open-session.ts";
import { jsonAnswer, toResponse } from "./answer.ts";
import { eventsResource } from "./events.ts";
import { type Handler, type HttpContext, type HttpEnvironment, inSession } from "./in-session.ts";
import { internalProblem, problemAnswer, problemOf } from "./problem.ts";

export interface HttpServices {
  readonly openSession: OpenSession;
  readonly readEvents: ReadEvents;
  readonly readiness: () => "starting" | "ready" | "draining";
  readonly log: HttpLog;
}

/** Where failures of the server itself are written. */
export interface HttpLog {
  error(message: string, fields: Readonly<Record<string, unknown>>): void;
}

/** The HTTP API as a function, the same for a socket, a Lambda and a test. */
export type HttpApplication = (request: Request, peer: Peer) => Promise<Response>;

/** Builds the API. What fails is answered as a problem document; the promise does not reject. */
export function createHttpApplication(services: HttpServices): HttpApplication {
  const { openSession, readEvents, readiness, log } = services;
  const application = new Hono<HttpEnvironment>();
  const resource = (path: string, handlers: Readonly<Record<string, Handler>>) => {
    for (const [method, handler] of Object.entries(handlers)) application.on(method, path, handler);
    application.all(path, methodNotAllowed(Object.keys(handlers)));
  };
  resource("/health", { GET: () => toResponse(jsonAnswer(200, { status: "ok" })) });
  resource("/ready", { GET: () => readinessResponse(readiness()) });
  resource("/v1/events", { GET: inSession(openSession, eventsResource(readEvents)) });
  application.notFound(() =>
    toResponse(problemAnswer({ code: "unknown-route", detail: "there is nothing at this path" })),
  );
  application.onError((error, context) => failureResponse(error, context, log));
  return async (request, peer) => application.fetch(request, { peer });
}

function readinessResponse(status: ReturnType<HttpServices["readiness"]>): Response {
  return toResponse(jsonAnswer(status === "ready" ? 200 : 503, { status }));
}

/** RFC 9110 §15.5.6: the answer lists what is allowed. hono answers HEAD wherever it answers GET. */
function methodNotAllowed(methods: readonly string[]): Handler {
  const allow = methods.flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method])).join(", ");
  const problem = { code: "method-not-allowed", detail: `the methods of this resource are ${allow}` } as const;
  return () => toResponse(problemAnswer(problem, { allow }));
}

function failureResponse(error: Error, { req, get }: HttpContext, log: HttpLog): Response {
  if (error instanceof FileError) return toResponse(problemAnswer(problemOf(error)));
  const { method, path } = req;
  log.error("request failed", { session: get("sessionId"), method, path, error: error.stack ?? `${error}` });
  return toResponse(problemAnswer(internalProblem));
}
