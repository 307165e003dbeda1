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
  const { endpoints, fronts } = await startFronts(options, services, openSession, () => readiness);
  await recorder.record({ type: "server.started", message: `${services.serverName} started`, data: { endpoints } });
  readiness = "ready";
  return {
    endpoints,
    stop: async () => {
      readiness = "draining";
      await recorder.record({ type: "server.stopping", message: `${services.serverName} is stopping` });
      await Promise.race([Promise.all(fronts.map((front) => front.drain())), after(limits.drainMs)]);
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

async function startFronts(
  { dataDirectory, runtime, loaded }: LocalServerOptions,
  services: SessionServices,
  openSession: OpenSession,
  readiness: () => Readiness,
): Promise<{ endpoints: Endpoints; fronts: readonly Front[] }> {
  const { sftp, http } = loaded.configuration.server;
  const endpoints: Endpoints = {};
  const fronts: Front[] = [];
  if (sftp) {
    const hostKeys = sftp.hostKeys ?? (await readHostKeys(dataDirectory));
    const server = createSftpServer({ openSession, hostKeys, listen: sftp.listen, log: runtime.log });
    fronts.push(server);
    endpoints.sftp = await server.listen();
  }
  if (http) {
    const readEvents = createEventReader(services);
    const application = createHttpApplication({ openSession, readEvents, readiness, log: runtime.log });
    const { tls } = http;
    const server = createHttpServer({ application, listen: http.listen, log: runtime.log, tls: tls && (() => tls) });
    fronts.push(server);
    endpoints.http = await server.listen();
  }
  return { endpoints, fronts };
}

function readHostKeys(dataDirectory: string): Promise<string[]> {
  const names = ["ssh_host_ed25519_key", "ssh_host_rsa_key"];
  return Promise.all(names.map((name) => readFile(join(dataDirectory, "keys", name), "utf8")));
}

function after(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
