import type { Log } from "../ports/runtime.ts";
import { createFtpsServer, type FtpsListener, type FtpsServer } from "../protocols/ftps/server.ts";
import type { TlsMaterial } from "../protocols/ftps/tls-settings.ts";
import { createSftpServer, type SftpServer } from "../protocols/sftp/server.ts";
import type { OpenSession } from "../service/session/open-session.ts";
import type { Door } from "./doors.ts";
import type { FtpsEnvironment, GatewayEnvironment, SftpEnvironment } from "./environment.ts";
import type { LeasedPorts } from "./leased-ports.ts";
import { ftpsDoors, sftpDoor } from "./protocol-doors.ts";
import { passiveAddressFor, type TaskIdentity } from "./task-identity.ts";

export interface ProtocolsOptions {
  readonly environment: GatewayEnvironment;
  readonly task: TaskIdentity;
  readonly openSession: OpenSession;
  readonly ports: LeasedPorts | undefined;
  readonly hostKeys: readonly string[];
  readonly tls: () => TlsMaterial;
  readonly log: Log;
}

/** The protocols that a task serves. They listen nowhere: clients come through doors. */
export class Protocols {
  readonly doors: readonly Door[];
  readonly #sftp: SftpServer | undefined;
  readonly #ftps: FtpsServer | undefined;

  constructor(options: ProtocolsOptions) {
    const { environment } = options;
    const { sftp, ftps } = environment;
    this.#sftp = sftp && createSftp(options, sftp);
    const listeners = ftps ? listenersOf(environment, ftps) : [];
    this.#ftps = ftps && createFtps(options, ftps, listeners);
    this.doors = [
      ...(this.#sftp && sftp ? [sftpDoor(this.#sftp, sftp.port)] : []),
      ...(this.#ftps ? ftpsDoors(this.#ftps, listeners) : []),
    ];
  }

  useHostKeys(hostKeys: readonly string[]): void {
    this.#sftp?.useHostKeys(hostKeys);
  }

  /** Resolves when nothing is under way any more; an idle session ends at once. */
  async drain(): Promise<void> {
    await Promise.all([this.#sftp?.drain(), this.#ftps?.drain()]);
  }

  /** Ends what is left, with a word to the client where the protocol has one. */
  async close(): Promise<void> {
    await Promise.all([this.#sftp?.close(), this.#ftps?.close()]);
  }
}

function createSftp(
  { environment, openSession, hostKeys, log }: ProtocolsOptions,
  { port, algorithms }: SftpEnvironment,
): SftpServer {
  const listen = { host: environment.listenAddress, port };
  return createSftpServer({ openSession, hostKeys, listen, algorithms, log, limits: { drainMs: environment.drainMs } });
}

function createFtps(
  { task, openSession, ports, tls, log }: ProtocolsOptions,
  { passiveAddress, sessionReuse }: FtpsEnvironment,
  listeners: readonly FtpsListener[],
): FtpsServer {
  return createFtpsServer({
    openSession,
    listeners,
    tls,
    sessionReuse,
    passivePorts: ports ?? { acquire: async () => undefined },
    passiveAddress: passiveAddressFor(passiveAddress, task.availabilityZone),
    log,
  });
}

function listenersOf({ listenAddress: host }: GatewayEnvironment, ftps: FtpsEnvironment): FtpsListener[] {
  const explicit = ftps.explicitPort === undefined ? [] : [{ host, port: ftps.explicitPort, implicit: false }];
  const implicit = ftps.implicitPort === undefined ? [] : [{ host, port: ftps.implicitPort, implicit: true }];
  return [...explicit, ...implicit];
}
