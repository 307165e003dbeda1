import { setImmediate as turn } from "node:timers/promises";
import { createSelfSignedCertificate, createTlsPrivateKey } from "../../adapters/node/tls-certificate.ts";
import type { Account } from "../../core/account.ts";
import type { AccountingEvent, EventType } from "../../core/accounting-event.ts";
import type { UploadPath } from "../../protocols/ftps/data-connection.ts";
import type { FtpsLimits } from "../../protocols/ftps/ftps-limits.ts";
import { createPortPool, type ListeningPassivePorts } from "../../protocols/ftps/port-pool.ts";
import { createFtpsServer, type FtpsListener, type FtpsServer } from "../../protocols/ftps/server.ts";
import type { SessionReuse, TlsMaterial } from "../../protocols/ftps/tls-settings.ts";
import type { SessionServices } from "../../service/session/services.ts";
import type { SessionRegistry } from "../../service/session/session-registry.ts";
import { createMemoryPipeline, type MemoryServices, testAccount } from "./memory-ports.ts";

/** What tests change; the rest is one explicit listener on 127.0.0.1 over ports in memory. */
export interface FtpsTestOptions {
  readonly accounts?: readonly Account[];
  readonly changes?: Partial<SessionServices>;
  readonly listener?: Partial<FtpsListener>;
  readonly tls?: () => TlsMaterial;
  readonly sessionReuse?: SessionReuse;
  readonly limits?: Partial<FtpsLimits>;
  readonly passivePorts?: { readonly first: number; readonly last: number };
  readonly uploadPath?: UploadPath;
}

export interface FtpsTestServer {
  readonly port: number;
  readonly server: FtpsServer;
  readonly services: MemoryServices;
  readonly registry: SessionRegistry;
  readonly passivePorts: ListeningPassivePorts;
  readonly events: readonly AccountingEvent[];
  /** Event types in their order, those of one path where it is given. */
  trail(path?: string): string[];
  /** Resolves when an event of this type is on record for the `count`th time. */
  untilRecorded(type: EventType, count?: number): Promise<void>;
  /** A file of the account `tester`, as the store has it. */
  stored(path: string): Promise<Buffer | undefined>;
  close(): Promise<void>;
}

const privateKey = createTlsPrivateKey();

/** The certificate of every test server that brings none of its own. */
export const testTls: TlsMaterial = {
  certificate: createSelfSignedCertificate(privateKey, ["localhost", "127.0.0.1"], Date.now() - 60_000),
  privateKey,
};

export async function startFtps(options: FtpsTestOptions = {}): Promise<FtpsTestServer> {
  const { services, openSession, registry } = createMemoryPipeline(
    options.accounts ?? [testAccount()],
    options.changes,
  );
  const { log } = services.runtime;
  const passivePorts = createPortPool({ host: "127.0.0.1", first: 0, last: 0, log, ...options.passivePorts });
  const server = createFtpsServer({
    openSession,
    listeners: [{ host: "127.0.0.1", port: 0, implicit: false, ...options.listener }],
    tls: options.tls ?? (() => testTls),
    sessionReuse: options.sessionReuse ?? "preferred",
    passivePorts,
    passiveAddress: undefined,
    log,
    ...(options.limits && { limits: options.limits }),
    uploadPath: options.uploadPath ?? "direct",
  });
  const [endpoint] = await server.listen();
  const events = services.accounting.events;
  return {
    port: endpoint?.port ?? 0,
    server,
    services,
    registry,
    passivePorts,
    events,
    trail: (path) => events.filter(({ data }) => path === undefined || data.path === path).map(({ type }) => type),
    untilRecorded: async (type, count = 1) => {
      while (events.filter((event) => event.type === type).length < count) await turn();
    },
    stored: (path) => storedFile(services, `tester${path}`),
    close: async () => {
      await server.close();
      await passivePorts.close();
    },
  };
}

async function storedFile({ objects }: SessionServices, objectKey: string): Promise<Buffer | undefined> {
  const entry = await objects.stat(objectKey);
  if (entry?.type !== "file") return undefined;
  const reader = await objects.openRead(objectKey);
  const content = Buffer.alloc(entry.size);
  await reader.read(content, 0);
  await reader.close();
  return content;
}
