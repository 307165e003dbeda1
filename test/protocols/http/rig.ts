import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { createDirectoryUploadParts } from "../../../adapters/local/directory-upload-parts.ts";
import { apiTokenMint } from "../../../adapters/node/api-token-mint.ts";
import { entryJsonSchemas } from "../../../adapters/node/configuration/entry-form.ts";
import { limits } from "../../../core/limits.ts";
import type { HttpApplication, HttpServices } from "../../../protocols/http/application.ts";
import { createHttpApplication } from "../../../protocols/http/application.ts";
import {
  createHttpServer,
  type HttpServer,
  type HttpServerOptions,
  type HttpTimes,
} from "../../../protocols/http/server.ts";
import type { UploadServices } from "../../../protocols/http/upload-operations.ts";
import { createEventFollower } from "../../../service/audit/follow-events.ts";
import { createEventReader } from "../../../service/audit/read-events.ts";
import { DeadLetterDesk } from "../../../service/consume/dead-letter-desk.ts";
import { createAuthorize } from "../../../service/management/authorize.ts";
import { ApiTokens } from "../../../service/session/api-tokens.ts";
import { loginWaitMs } from "../../../service/session/authenticate.ts";
import { PartUploads, type PartUploadsOptions } from "../../../service/session/part-uploads.ts";
import type { SessionServices } from "../../../service/session/services.ts";
import { TokenSessions } from "../../../service/session/token-sessions.ts";
import { createMemoryApiTokenStore } from "../../support/memory-api-tokens.ts";
import { createMemoryAutomation } from "../../support/memory-automation.ts";
import { createMemoryManagement } from "../../support/memory-management.ts";
import { createMemoryPipeline, testAccount } from "../../support/memory-ports.ts";
import { createMemoryTokenSessionStore, memoryTokenSigner } from "../../support/memory-token-sessions.ts";
import { conformanceChecked } from "../../support/openapi-conformance.ts";

export const accounts = [testAccount({ name: "acme" }), testAccount({ name: "root", roles: ["admin"] })];

/** The value of an Authorization header; every test account has the password `password`. */
export const basic = (username: string, password = "password") =>
  `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
export const asAdmin = { headers: { authorization: basic("root") } };

type UploadStores = Omit<PartUploadsOptions, "services">;

/** The API over a socket, on ports in memory. `changes` replaces a port, `replaced` a part of the API. */
export async function startApi(
  t: TestContext,
  changes: Partial<SessionServices> & { readonly uploadStores?: UploadStores } = {},
  replaced: Partial<HttpServices> = {},
) {
  const { services, openSession, resumeSession, registry } = createMemoryPipeline(accounts, changes);
  const store = createMemoryTokenSessionStore();
  const signer = memoryTokenSigner;
  const tokenSessions = new TokenSessions({ services, openSession, resumeSession, store, signer });
  const apiTokenStore = createMemoryApiTokenStore();
  const apiTokens = new ApiTokens({ services, resumeSession, store: apiTokenStore, mint: apiTokenMint });
  const uploads = await temporaryUploads(t, services, changes.uploadStores);
  const application = createHttpApplication({
    openSession,
    tokenSessions,
    apiTokens,
    loginWaitMs: (address) => loginWaitMs(services, address),
    uploads,
    readEvents: createEventReader(services),
    followEvents: createEventFollower({ ...services, feed: services.accounting, isStopping: () => false }),
    management: createMemoryManagement(services, accounts),
    authorize: createAuthorize(services),
    deadLetters: new DeadLetterDesk(createMemoryAutomation().deadLetters, []),
    metrics: () => "",
    entrySchemas: entryJsonSchemas,
    version: "0.0.0",
    readiness: () => "ready",
    log: services.runtime.log,
    ...replaced,
  });
  const findings: string[] = [];
  const checked = conformanceChecked(application, (finding) => findings.push(finding));
  const { url, server } = await startServer(t, checked, { log: services.runtime.log });
  t.after(() => assert.deepEqual(findings, [], "answers are those that the OpenAPI document declares"));
  const { events } = services.accounting;
  return {
    url,
    application: checked,
    server,
    services,
    tokenSessions,
    apiTokens,
    store,
    uploads,
    registry,
    events,
    types: () => events.map(({ type }) => type),
  };
}

async function temporaryUploads(
  t: TestContext,
  services: SessionServices,
  stores?: UploadStores,
): Promise<UploadServices> {
  const directory = await mkdtemp(join(tmpdir(), "ferrygate-test-"));
  t.after(() => rm(directory, { recursive: true }));
  const partUploads = new PartUploads({ services, ...(stores ?? createDirectoryUploadParts(directory)) });
  return { partUploads, urlSecret: randomBytes(32) };
}

export interface StartedServer {
  readonly url: string;
  readonly server: HttpServer;
}

/** Any application over a socket, closed when the test ends. */
export async function startServer(
  t: TestContext,
  application: HttpApplication,
  options: Partial<HttpServerOptions> = {},
): Promise<StartedServer> {
  const log = { error: (message: string, fields: unknown) => t.diagnostic(`${message} ${JSON.stringify(fields)}`) };
  const server = createHttpServer({ application, listen: { host: "127.0.0.1", port: 0 }, log, ...options });
  const { url } = await server.listen();
  t.after(() => server.close());
  return { url, server };
}

/** Limits that a test need not wait for. */
export const shortTimes: HttpTimes = { ...limits, httpHeadersMs: 50, httpRequestMs: 100, httpCheckMs: 10 };

export interface RawConnection {
  readonly socket: Socket;
  readonly received: Promise<string>;
}

/** A connection on which a test writes its own bytes. `received` resolves with all that came when the server closed. */
export function rawConnection(url: string, options: { allowHalfOpen?: boolean } = {}): RawConnection {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), ...options });
  const chunks: Buffer[] = [];
  const received = new Promise<string>((resolve) => {
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    socket.on("error", () => {});
    socket.on("close", () => resolve(Buffer.concat(chunks).toString()));
  });
  return { socket, received };
}

/** Sends these bytes and answers everything the server says until it closes the connection. */
export function exchangeRaw(url: string, text: string): Promise<string> {
  const { socket, received } = rawConnection(url);
  socket.write(text);
  return received;
}
