import { join } from "node:path";
import { createDirectoryObjectStore } from "../../adapters/local/directory-object-store.ts";
import { createSqliteAccountingLog } from "../../adapters/local/sqlite-accounting-log.ts";
import { archives } from "../../adapters/node/archives.ts";
import type { ConfigurationAccounts } from "../../adapters/node/configuration/configuration-accounts.ts";
import { contentConversions } from "../../adapters/node/content-conversions.ts";
import { openPgpWhenUsed } from "../../adapters/node/openpgp-when-used.ts";
import { createPasswordHasher } from "../../adapters/node/password-hasher.ts";
import { limits } from "../../core/limits.ts";
import type { AccountingLog } from "../../ports/accounting-log.ts";
import type { EventFeed } from "../../ports/event-feed.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import { createDispatcher } from "../../service/dispatch/dispatcher.ts";
import { observedLog } from "../../service/metrics/observed-log.ts";
import { endCutOffSessions } from "../../service/session/cut-off-sessions.ts";
import type { ExternalAccounts } from "../../service/session/external-accounts.ts";
import { OwnFailedLogins } from "../../service/session/failed-logins.ts";
import { createSessionOpener } from "../../service/session/open-session.ts";
import { PasswordTurns } from "../../service/session/password-turns.ts";
import { reconcile } from "../../service/session/reconcile.ts";
import { Recorder } from "../../service/session/recorder.ts";
import type { SessionServices } from "../../service/session/services.ts";
import { openAlerts } from "./alerts.ts";
import { openAutomation } from "./automation.ts";
import { openConfiguration } from "./configuration.ts";
import { openExternalAccounts } from "./external-accounts.ts";
import type { Endpoints, Front, FrontServices, LocalServerOptions, Readiness, Started } from "./front.ts";
import { startFtps } from "./ftps-front.ts";
import { startHttp } from "./http-front.ts";
import { heldSessions } from "./http-sessions.ts";
import { createMetrics, type LocalMetrics } from "./metrics.ts";
import { openResumableUploads } from "./resumable-uploads.ts";
import { openScanning } from "./scanning.ts";
import { startSftp } from "./sftp-front.ts";
import { type LocalTransfers, openTransfers } from "./transfers.ts";

export interface LocalServer {
  readonly endpoints: Readonly<Endpoints>;
  /** Lets transfers finish for at most limits.drainMs, then ends what is left. */
  stop(): Promise<void>;
}

/** The whole product in one process, over a data directory. @throws Error in words for the operator. */
export async function startLocalServer(options: LocalServerOptions): Promise<LocalServer> {
  const { runtime } = options;
  const { configuration, ...configurationStore } = openConfiguration(options);
  const metrics = createMetrics();
  const external = await openExternalAccounts(options, configuration);
  const scanning = await openScanning(options, () => configuration.current());
  const basic = await openServices(options, configuration, external.accounts, metrics);
  const resumable = openResumableUploads(options, basic);
  const services = { ...basic, quarantine: scanning.uploads, resumable: resumable.uploads };
  const recovered = await reconcile(services);
  if (recovered.completed + recovered.aborted + recovered.discarded > 0) {
    runtime.log.warn("transfers were cut off by a crash and have been settled", { ...recovered });
  }
  const cutOff = await endCutOffSessions(services, heldSessions(options));
  if (cutOff > 0) runtime.log.warn("sessions were cut off by a crash and have been ended", { sessions: cutOff });
  const { openSession, resumeSession, registry } = createSessionOpener(services);
  const management = await configurationStore.serve(services);
  const alerts = await openAlerts(options);
  const inForce = () => configuration.current();
  let transfers: LocalTransfers | undefined;
  const automation = await openAutomation(options, services.accounting, async (state) => {
    const { claims, deadLetters } = state;
    const pgp = openPgpWhenUsed(() => inForce().pgpKeys);
    transfers = openTransfers({ services, state, pgp, scanning: scanning.dispatch, configuration: inForce });
    const content = { archives, pgp, conversions: contentConversions };
    const means = { ...content, pushing: transfers.pushing, scanning: scanning.dispatch };
    return [
      createDispatcher({ ...services, claims, ...means }, () => inForce().dispatch),
      await scanning.start({ ...services, claims, deadLetters }),
      await alerts.start({ configuration: inForce, accounting: services.accounting, deadLetters }),
    ];
  });
  await automation.start();
  await transfers?.start();
  const recorder = new Recorder(services, { protocol: "system" });
  let readiness: Readiness = "starting";
  const { endpoints, fronts } = await startFronts(options, {
    services,
    openSession,
    resumeSession,
    readiness: () => readiness,
    configuration: inForce,
    feed: services.accounting,
    deadLetters: automation.deadLetters,
    scans: scanning.desk(),
    management,
    transfers: transfers?.desk,
    metrics: () => metrics.text(registry.count),
  });
  await recorder.record({ type: "server.started", message: `${services.serverName} started`, data: { endpoints } });
  readiness = "ready";
  return {
    endpoints,
    stop: async () => {
      readiness = "draining";
      await recorder.record({ type: "server.stopping", message: `${services.serverName} is stopping` });
      await Promise.race([drainInTurn(fronts), after(limits.drainMs)]);
      await registry.endAll("admin-reboot");
      await Promise.all(fronts.map((front) => front.close()));
      await transfers?.stop();
      await scanning.stop();
      await automation.stop();
      await alerts.stop();
      resumable.close();
      external.close();
      configurationStore.close();
      await services.accounting.close();
    },
  };
}

async function openServices(
  { dataDirectory, runtime, openObjects = () => openDirectory(dataDirectory) }: LocalServerOptions,
  configuration: ConfigurationAccounts,
  external: ExternalAccounts,
  metrics: LocalMetrics,
): Promise<SessionServices & { readonly accounting: AccountingLog & EventFeed }> {
  return {
    objects: await openObjects(),
    accounting: observedLog(
      await createSqliteAccountingLog({ file: join(dataDirectory, "accounting.sqlite") }),
      metrics.observe,
    ),
    accounts: external,
    external,
    passwords: createPasswordHasher(),
    failedLogins: new OwnFailedLogins(),
    passwordTurns: new PasswordTurns(),
    runtime,
    serverName: configuration.current().server.name,
  };
}

function openDirectory(dataDirectory: string): Promise<ObjectStore> {
  return createDirectoryObjectStore({
    filesDirectory: join(dataDirectory, "files"),
    stagingDirectory: join(dataDirectory, "staging"),
  });
}

/** HTTP is the last, so that it drains last: until then /ready says that the server is draining. */
async function startFronts(options: LocalServerOptions, parts: FrontServices): Promise<Started> {
  const started = [await startSftp(options, parts), await startFtps(options, parts), await startHttp(options, parts)];
  return {
    fronts: started.flatMap(({ fronts }) => fronts),
    endpoints: Object.assign({}, ...started.map(({ endpoints }) => endpoints)),
  };
}

async function drainInTurn(fronts: readonly Front[]): Promise<void> {
  await Promise.all(fronts.slice(0, -1).map((front) => front.drain()));
  await fronts.at(-1)?.drain();
}

function after(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
