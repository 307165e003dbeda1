import { once } from "node:events";
import { setImmediate as turn } from "node:timers/promises";
import ssh2, { type ConnectConfig } from "ssh2";
import type { Account } from "../../../core/account.ts";
import type { SftpLimits } from "../../../protocols/sftp/request-context.ts";
import { createSftpServer, type SftpServer } from "../../../protocols/sftp/server.ts";
import type { SessionServices } from "../../../service/session/services.ts";
import { createMemoryPipeline, testAccount } from "../../support/memory-ports.ts";
import { generateSshKeyPair } from "../../support/ssh-key-pair.ts";
import { RawSftp } from "./raw-sftp.ts";

/** One key pair in the forms in which the parties know it. */
export interface KeyPair {
  readonly privateKey: string;
  readonly account: { readonly algorithm: string; readonly blob: string; readonly comment: string };
}

export function keyPair(type: "ed25519" | "rsa" | "ecdsa" = "ed25519"): KeyPair {
  const pair = generateSshKeyPair(type);
  const [algorithm = "", blob = ""] = pair.public.split(" ");
  return { privateKey: pair.private, account: { algorithm, blob, comment: "" } };
}

const hostKey = keyPair();

export interface RigOptions {
  readonly accounts?: readonly Account[];
  readonly changes?: Partial<SessionServices>;
  readonly limits?: Partial<SftpLimits>;
  readonly hostKeys?: readonly string[];
  readonly banner?: string;
}

/** An SFTP server on a port of its own over ports in memory, for the account `tester` with the password `password`. */
export async function startRig(options: RigOptions = {}) {
  const pipeline = createMemoryPipeline(options.accounts ?? [testAccount()], options.changes);
  const { runtime, accounting } = pipeline.services;
  const server: SftpServer = createSftpServer({
    openSession: pipeline.openSession,
    hostKeys: options.hostKeys ?? [hostKey.privateKey],
    listen: { host: "127.0.0.1", port: 0 },
    log: runtime.log,
    limits: { sftpCheckMs: 10, ...options.limits },
    ...(options.banner !== undefined && { banner: options.banner }),
  });
  const endpoint = await server.listen();
  const clients = new Set<ssh2.Client>();
  return {
    ...pipeline,
    server,
    endpoint,
    /** A client that has not connected yet. */
    client(): ssh2.Client {
      const client = new ssh2.Client();
      client.on("error", () => {});
      clients.add(client);
      return client;
    },
    /** Logs in with the password unless `config` says otherwise. */
    async connect(config: ConnectConfig = {}): Promise<ssh2.Client> {
      const client = this.client();
      client.connect({ ...endpoint, username: "tester", password: "password", ...config });
      await once(client, "ready");
      return client;
    },
    async open(config: ConnectConfig = {}): Promise<RawSftp> {
      return RawSftp.open(await this.connect(config));
    },
    eventTypes: () => accounting.events.map(({ type }) => type),
    async stop(): Promise<void> {
      for (const client of clients) client.destroy();
      await server.close();
    },
  };
}

export type Rig = Awaited<ReturnType<typeof startRig>>;

/** Lets the event loop turn until something that no event announces is so. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await turn();
}

/** Lets the event loop turn until a number has stayed the same for long: what could change it is waiting. */
export async function settled(value: () => number): Promise<number> {
  let last = value();
  for (let turns = 0; turns < 10_000; turns += 1) {
    await turn();
    if (value() !== last) turns = 0;
    last = value();
  }
  return last;
}

/** Resolves when the connection is closed, with the last error that the client reported. */
export function closedWith(client: ssh2.Client): Promise<{ code?: unknown; level?: string } | undefined> {
  let last: { code?: unknown; level?: string } | undefined;
  client.on("error", (error: Error & { code?: unknown; level?: string }) => {
    last = error;
  });
  return new Promise((resolve) => client.once("close", () => resolve(last)));
}
