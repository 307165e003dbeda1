import { Hono } from "hono";
import type { Peer } from "../../core/accounting-event.ts";
import type { EntryKind, JsonObject } from "../../core/configuration-entry.ts";
import { ConfigurationError } from "../../core/configuration-error.ts";
import { FileError } from "../../core/errors.ts";
import type { FollowEvents } from "../../service/audit/follow-events.ts";
import type { ReadEvents } from "../../service/audit/read-events.ts";
import type { DeadLetterDesk } from "../../service/consume/dead-letter-desk.ts";
import type { TransferDesk } from "../../service/destinations/transfer-desk.ts";
import type { Authorize } from "../../service/management/authorize.ts";
import type { Management } from "../../service/management/management.ts";
import type { QuarantineDesk } from "../../service/scan/quarantine-desk.ts";
import type { ApiTokens } from "../../service/session/api-tokens.ts";
import type { OpenSession } from "../../service/session/open-session.ts";
import type { TokenSessions } from "../../service/session/token-sessions.ts";
import { toResponse } from "./answer.ts";
import { apiTokenOperations } from "./api-token-operations.ts";
import { authorizeOperations } from "./authorize-operations.ts";
import { deadLetterOperations } from "./dead-letter-operations.ts";
import { documentationOperations } from "./documentation-operations.ts";
import { eventOperations } from "./event-operations.ts";
import { fileOperations } from "./file-operations.ts";
import { healthOperations, type Readiness } from "./health-operations.ts";
import type { HttpContext, HttpEnvironment, WaitUntil } from "./http-context.ts";
import { type Door, inSession } from "./in-session.ts";
import { managementOperations, managementSchemas } from "./management-operations.ts";
import { metricsOperations } from "./metrics-operations.ts";
import type { Operation } from "./operation.ts";
import { configurationProblemOf, internalProblem, type Problem, problemAnswer, problemOf } from "./problem.ts";
import { quarantineOperations } from "./quarantine-operations.ts";
import { RequestError } from "./request-error.ts";
import { readInput } from "./request-input.ts";
import { sessionOperations } from "./session-operations.ts";
import { transferOperations } from "./transfer-operations.ts";
import { type UploadServices, uploadOperations } from "./upload-operations.ts";

export interface HttpServices {
  readonly openSession: OpenSession;
  readonly tokenSessions: TokenSessions;
  readonly apiTokens: ApiTokens;
  /** How long, in milliseconds, an address may not log in, because it was refused too often. */
  readonly loginWaitMs: (address: string) => Promise<number>;
  readonly uploads: UploadServices;
  readonly readEvents: ReadEvents;
  readonly followEvents: FollowEvents;
  readonly management: Management;
  readonly authorize: Authorize;
  readonly deadLetters: DeadLetterDesk;
  /** Undefined where this server pushes and pulls nothing. */
  readonly transfers?: TransferDesk | undefined;
  /** Undefined where nothing is scanned. */
  readonly scans?: QuarantineDesk | undefined;
  /** How the configuration file writes each kind of entry, as JSON Schema. */
  readonly entrySchemas: Readonly<Record<EntryKind, JsonObject>>;
  /** Of this program. */
  readonly version: string;
  /** The text of `GET /metrics`. Undefined where a process cannot count what the product does. */
  readonly metrics?: (() => string) | undefined;
  readonly readiness: () => Readiness;
  readonly log: HttpLog;
}

/** Where failures of the server itself are written. */
export interface HttpLog {
  error(message: string, fields: Readonly<Record<string, unknown>>): void;
}

/** The HTTP API as a function, the same for a socket, a Lambda and a test. */
export type HttpApplication = (request: Request, peer: Peer, waitUntil?: WaitUntil) => Promise<Response>;

/** Builds the API. What fails is answered as a problem document; the promise does not reject. */
export function createHttpApplication(services: HttpServices): HttpApplication {
  const { openSession, tokenSessions, apiTokens, loginWaitMs, log } = services;
  const door: Door = { openSession, tokenSessions, apiTokens, loginWaitMs };
  const application = new Hono<HttpEnvironment>();
  for (const [path, operations] of byPath(operationsOf(services, door))) {
    const route = path.replaceAll(/\{(\w+)\}/g, ":$1");
    for (const operation of operations) {
      application.on(operation.method, route, (context) => perform(door, operation, context));
    }
    application.all(route, methodNotAllowed(operations.map(({ method }) => method)));
  }
  application.notFound(() => problemResponse({ code: "unknown-route", detail: "there is nothing at this path" }));
  application.onError((error, context) => failureResponse(error, context, log));
  return async (request, peer, waitUntil = () => {}) => application.fetch(request, { peer, waitUntil });
}

/** Everything that the API does. */
function operationsOf(services: HttpServices, door: Door): readonly Operation[] {
  const { readiness, version, entrySchemas } = services;
  const operations = [
    ...healthOperations(readiness),
    ...(services.metrics ? metricsOperations(services.metrics) : []),
    ...sessionOperations(door),
    ...apiTokenOperations(services.apiTokens),
    ...fileOperations,
    ...uploadOperations(services.uploads),
    ...eventOperations(services),
    ...managementOperations(services.management),
    ...authorizeOperations(services.authorize),
    ...deadLetterOperations(services.deadLetters),
    ...(services.transfers ? transferOperations(services.transfers) : []),
    ...(services.scans ? quarantineOperations(services.scans) : []),
  ];
  return [...operations, ...documentationOperations(operations, { version, schemas: managementSchemas(entrySchemas) })];
}

function byPath(operations: readonly Operation[]): Map<string, Operation[]> {
  return Map.groupBy(operations, ({ path }) => path);
}

async function perform(door: Door, operation: Operation, context: HttpContext): Promise<Response> {
  if (operation.access === "public") return operation.handle(await readInput(operation, context));
  return inSession(door, context, async (session) => {
    const action = kebabCase(operation.operationId);
    await session.requireScope(operation.scope, action);
    if (operation.role !== undefined) await session.requireRole(operation.role, action);
    return operation.handle(session, await readInput(operation, context));
  });
}

function kebabCase(camelCase: string): string {
  return camelCase.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** RFC 9110 §15.5.6: the answer lists what is allowed. hono answers HEAD wherever it answers GET. */
function methodNotAllowed(methods: readonly string[]): () => Response {
  const allow = methods.flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method])).join(", ");
  const problem = { code: "method-not-allowed", detail: `the methods of this resource are ${allow}` } as const;
  return () => problemResponse(problem, { allow });
}

function failureResponse(error: Error, { req, get }: HttpContext, log: HttpLog): Response {
  if (error instanceof FileError) return problemResponse(problemOf(error));
  if (error instanceof RequestError) return problemResponse(error, error.headers);
  if (error instanceof ConfigurationError) return problemResponse(configurationProblemOf(error));
  const { method, path } = req;
  log.error("request failed", { session: get("sessionId"), method, path, error: error.stack ?? `${error}` });
  return problemResponse(internalProblem);
}

function problemResponse(problem: Problem, headers: Readonly<Record<string, string>> = {}): Response {
  return toResponse(problemAnswer(problem, headers));
}
