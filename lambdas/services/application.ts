import { entryJsonSchemas } from "../../adapters/node/configuration/entry-form.ts";
import { limits } from "../../core/limits.ts";
import { createHttpApplication, type HttpApplication } from "../../protocols/http/application.ts";
import { createEventGlance } from "../../service/audit/follow-events.ts";
import { createEventReader } from "../../service/audit/read-events.ts";
import { createAuthorize } from "../../service/management/authorize.ts";
import { ApiTokens } from "../../service/session/api-tokens.ts";
import { loginWaitMs } from "../../service/session/authenticate.ts";
import { createSessionOpener } from "../../service/session/open-session.ts";
import { TokenSessions } from "../../service/session/token-sessions.ts";
import { type ApiEnvironment, openDeadLetters, openManagement } from "./http-services.ts";
import { openPartUploads } from "./part-uploads.ts";
import { openQuarantine, openQuarantineDesk } from "./quarantine.ts";
import { openServices } from "./session-services.ts";
import { openTable } from "./table.ts";
import { openTokens } from "./tokens.ts";
import { openTransferDesk } from "./transfer-desk.ts";

/** The HTTP API over the services of AWS. */
export async function openApplication(environment: ApiEnvironment): Promise<HttpApplication> {
  const table = openTable(environment.table);
  const services = openServices(environment);
  const { openSession, resumeSession } = createSessionOpener(services);
  const { sessions, signer, apiTokens, mint } = openTokens(table, environment.tokenKeys);
  const application = createHttpApplication({
    openSession,
    tokenSessions: new TokenSessions({ services, openSession, resumeSession, store: sessions, signer }),
    apiTokens: new ApiTokens({ services, resumeSession, store: apiTokens, mint }),
    loginWaitMs: (address) => loginWaitMs(services, address),
    uploads: await openPartUploads(table, services, signer),
    readEvents: createEventReader(services),
    // API Gateway lets no endless answers through, and each second of waiting would be paid for.
    followEvents: createEventGlance(services, limits.gatewayStreamBytes),
    management: openManagement(services),
    authorize: createAuthorize(services),
    deadLetters: openDeadLetters(table, { dispatch: environment.dispatchQueue, alerts: environment.alertQueue }),
    transfers: openTransferDesk(table, services, environment.transfersFunction),
    scans: openQuarantineDesk(openQuarantine(environment, table, services), environment.scanResultFunction),
    entrySchemas: entryJsonSchemas,
    version: process.env.FERRYGATE_VERSION ?? "unbundled",
    readiness: () => "ready",
    log: services.runtime.log,
  });
  return async (...request) => {
    await services.owner.live();
    return application(...request);
  };
}
