import { readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  type ConfigurationAccounts,
  createConfigurationAccounts,
} from "../adapters/local/configuration/configuration-accounts.ts";
import type { LoadedConfiguration } from "../adapters/local/configuration/load-configuration.ts";
import { createDirectoryObjectStore } from "../adapters/local/directory-object-store.ts";
import { createSqliteAccountingLog } from "../adapters/local/sqlite-accounting-log.ts";
import { createPasswordHasher } from "../adapters/node/password-hasher.ts";
import { limits } from "../core/limits.ts";
import type { Runtime } from "../ports/runtime.ts";
import { createPortPool } from "../protocols/ftps/port-pool.ts";
import { createFtpsServer } from "../protocols/ftps/server.ts";
import { createHttpApplication } from "../protocols/http/application.ts";
import { createHttpServer } from "../protocols/http/server.ts";
import { createSftpServer } from "../protocols/sftp/server.ts";
import { createEventReader } from "../service/audit/read-events.ts";
import { createSessionOpener, type OpenSession } from "../service/session/open-session.ts";
import { reconcile } from "../service/session/reconcile.ts";
import { Recorder } from "../service/session/recorder.ts";
import type { SessionServices } from "../service/session/services.ts";

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Where each protocol listens; the content of `run/endpoints.json`. */
export interface Endpoints {
  sftp?: Address;
  ftps?: Address;
  ftpsImplicit?: Address;
  http?: { readonly url: string };
}

export interface LocalServerOptions {
  readonly dataDirectory: string;
  readonly loaded: Extract<LoadedConfiguration, { ok: true }>;
  readonly runtime: Runtime;
}

export interface LocalServer {
  readonly endpoints: Readonly<Endpoints>;
  /** Lets transfers finish for at most limits.drainMs, then ends what is left. */
  stop(): Promise<void>;
}

/** A protocol that listens. */
interface Front {
  drain(): Promise<void>;
  close(): Promise<void>;
}

type Readiness = "starting" | "ready" | "draining";

/** The whole product in one process, over a data directory. @throws Error in words for the operator. */
export async function startLocalServer(options: LocalServerOptions): Promise<LocalServer> {
  const { runtime, loaded } = options;
  const accounts = createConfigurationAccounts(loaded, runtime);
  const services = await openServices(options, accounts);
  const recovered = await reconcile(services);
  if (recovered.completed + recovered.aborted + recovered.discarded > 0) {
    runtime.log.warn("transfers were cut off by a crash and have been settled", { ...recovered });
  }
  const { openSession, registry } = createSessionOpener(services);
  const recorder = new Recorder(services, { protocol: "system" });
  let readiness: Readiness = "starting";
  const { endpoints, fronts } = await startFronts(options, { services, openSession, readiness: () => readiness });
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
      await services.accounting.close();
    },
  };
}

async function openServices(
  { dataDirectory, runtime }: LocalServerOptions,
  accounts: ConfigurationAccounts,
): Promise<SessionServices> {
  return {
    objects: await createDirectoryObjectStore({
      filesDirectory: join(dataDirectory, "files"),
      stagingDirectory: join(dataDirectory, "staging"),
    }),
    accounting: await createSqliteAccountingLog({ file: join(dataDirectory, "accounting.sqlite") }),
    accounts,
    passwords: createPasswordHasher(),
    runtime,
    serverName: accounts.current().server.name,
  };
}

/** What every protocol is started with. */
interface FrontServices {
  readonly services: SessionServices;
  readonly openSession: OpenSession;
  readonly readiness: () => Readiness;
}

type Started = { readonly fronts: readonly Front[]; readonly endpoints: Endpoints };

/** HTTP is the last, so that it drains last: until then /ready says that the server is draining. */
async function startFronts(options: LocalServerOptions, parts: FrontServices): Promise<Started> {
  const started = [await startSftp(options, parts), await startFtps(options, parts), await startHttp(options, parts)];
  return {
    fronts: started.flatMap(({ fronts }) => fronts),
    endpoints: Object.assign({}, ...started.map(({ endpoints }) => endpoints)),
  };
}

async function startSftp(
  { dataDirectory, runtime, loaded }: LocalServerOptions,
  parts: FrontServices,
): Promise<Started> {
  const { sftp } = loaded.configuration.server;
  if (!sftp) return { fronts: [], endpoints: {} };
  const hostKeys = sftp.hostKeys ?? (await readHostKeys(dataDirectory));
  const server = createSftpServer({ openSession: parts.openSession, hostKeys, listen: sftp.listen, log: runtime.log });
  return { fronts: [server], endpoints: { sftp: await server.listen() } };
}

async function startFtps(
  { dataDirectory, runtime, loaded }: LocalServerOptions,
  parts: FrontServices,
): Promise<Started> {
  const { ftps } = loaded.configuration.server;
  if (!ftps) return { fronts: [], endpoints: {} };
  const { listen, implicit, passivePorts, passiveAddress } = ftps;
  const material = ftps.tls ?? (await readTlsMaterial(dataDirectory));
  const ports = createPortPool({ host: listen.host, ...passivePorts, log: runtime.log });
  const server = createFtpsServer({
    openSession: parts.openSession,
    listeners: [{ ...listen, implicit: false }, ...(implicit ? [{ ...implicit, implicit: true }] : [])],
    tls: () => material,
    sessionReuse: "preferred",
    passivePorts: ports,
    passiveAddress,
    log: runtime.log,
  });
  const [explicitAddress, implicitAddress] = await server.listen();
  const close = async () => {
    await server.close();
    await ports.close();
  };
  return {
    fronts: [{ drain: () => server.drain(), close }],
    endpoints: {
      ...(explicitAddress && { ftps: explicitAddress }),
      ...(implicitAddress && { ftpsImplicit: implicitAddress }),
    },
  };
}

async function startHttp({ runtime, loaded }: LocalServerOptions, parts: FrontServices): Promise<Started> {
  const { http } = loaded.configuration.server;
  if (!http) return { fronts: [], endpoints: {} };
  const { services, openSession, readiness } = parts;
  const readEvents = createEventReader(services);
  const application = createHttpApplication({ openSession, readEvents, readiness, log: runtime.log });
  const { tls, listen } = http;
  const server = createHttpServer({ application, listen, log: runtime.log, tls: tls && (() => tls) });
  return { fronts: [server], endpoints: { http: await server.listen() } };
}

async function readTlsMaterial(dataDirectory: string): Promise<{ certificate: string; privateKey: string }> {
  const read = (name: string) => readFile(join(dataDirectory, "keys", name), "utf8");
  return { certificate: await read("tls_certificate.pem"), privateKey: await read("tls_private_key.pem") };
}

async function drainInTurn(fronts: readonly Front[]): Promise<void> {
  await Promise.all(fronts.slice(0, -1).map((front) => front.drain()));
  await fronts.at(-1)?.drain();
}

function readHostKeys(dataDirectory: string): Promise<string[]> {
  const names = ["ssh_host_ed25519_key", "ssh_host_rsa_key"];
  return Promise.all(names.map((name) => readFile(join(dataDirectory, "keys", name), "utf8")));
}

function after(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
