import { entryJsonSchemas } from "../../adapters/node/configuration/entry-form.ts";
import { createHttpApplication } from "../../protocols/http/application.ts";
import { createHttpServer } from "../../protocols/http/server.ts";
import { createEventFollower } from "../../service/audit/follow-events.ts";
import { createEventReader } from "../../service/audit/read-events.ts";
import { createAuthorize } from "../../service/management/authorize.ts";
import { loginWaitMs } from "../../service/session/authenticate.ts";
import { programVersion } from "../program-version.ts";
import type { FrontServices, LocalServerOptions, Started } from "./front.ts";
import { openSessions } from "./http-sessions.ts";
import { openPartUploads } from "./http-uploads.ts";

export async function startHttp(options: LocalServerOptions, parts: FrontServices): Promise<Started> {
  const { runtime, loaded } = options;
  const { http } = loaded.configuration.server;
  if (!http) return { fronts: [], endpoints: {} };
  const { services, openSession, readiness, configuration } = parts;
  const sessions = await openSessions(options, parts);
  const uploads = await openPartUploads(options, parts);
  const application = createHttpApplication({
    openSession,
    tokenSessions: sessions.tokenSessions,
    apiTokens: sessions.apiTokens,
    loginWaitMs: (address) => loginWaitMs(services, address),
    uploads,
    readEvents: createEventReader(services),
    followEvents: createEventFollower({
      accounting: services.accounting,
      feed: parts.feed,
      runtime,
      isStopping: () => readiness() === "draining",
    }),
    management: parts.management,
    authorize: createAuthorize(services),
    deadLetters: parts.deadLetters,
    transfers: parts.transfers,
    scans: parts.scans,
    metrics: parts.metrics,
    entrySchemas: entryJsonSchemas,
    version: programVersion(),
    readiness,
    log: runtime.log,
  });
  const { tls, listen } = http;
  const server = createHttpServer({
    application,
    listen,
    log: runtime.log,
    tls: tls && (() => configuration().server.http?.tls ?? tls),
  });
  const close = async () => {
    await server.close();
    sessions.close();
    uploads.partUploads.close();
  };
  return { fronts: [{ drain: () => server.drain(), close }], endpoints: { http: await server.listen() } };
}
