import { createHash, randomBytes } from "node:crypto";
import type { Account } from "../../core/account.ts";
import type { AccountingEvent } from "../../core/accounting-event.ts";
import type { AccountingLog, EventQuery } from "../../ports/accounting-log.ts";
import type { PasswordHasher } from "../../ports/password-hasher.ts";
import type { Log, Runtime } from "../../ports/runtime.ts";
import { createSessionOpener } from "../../service/session/open-session.ts";
import type { SessionServices } from "../../service/session/services.ts";
import { createMemoryObjectStore } from "./memory-object-store.ts";

/** An {@link AccountingLog} whose events a test can read in `events`, oldest first. */
export interface MemoryAccountingLog extends AccountingLog {
  readonly events: readonly AccountingEvent[];
}

export function createMemoryAccountingLog(): MemoryAccountingLog {
  const events: AccountingEvent[] = [];
  const byId = new Map<string, AccountingEvent>();
  return {
    events,
    append: async (event) => {
      if (byId.has(event.id)) return;
      byId.set(event.id, event);
      events.push(event);
    },
    query: async (query) => {
      const matching = events.filter((event) => matches(event, query));
      if (query.order === "desc") matching.reverse();
      const start = Number(query.cursor ?? 0);
      const end = start + query.limit;
      return { events: matching.slice(start, end), cursor: end < matching.length ? `${end}` : undefined };
    },
    find: async (eventId) => byId.get(eventId),
    unfinishedTransfers: async () =>
      events
        .filter(({ type, data }) => type === "transfer.started" && !hasEnded(events, data.transferId))
        .map((started) => ({ started })),
    close: async () => {},
  };
}

function hasEnded(events: readonly AccountingEvent[], transferId: unknown): boolean {
  return events.some(
    ({ type, data }) =>
      (type === "transfer.completed" || type === "transfer.aborted") && data.transferId === transferId,
  );
}

function matches(event: AccountingEvent, { since, until, types, account, peer, path }: EventQuery): boolean {
  const eventPath = String(event.data.path ?? "");
  return (
    (since === undefined || event.time >= since) &&
    (until === undefined || event.time < until) &&
    (types === undefined || types.includes(event.type)) &&
    (account === undefined || event.account?.name === account) &&
    (peer === undefined || event.peer?.address === peer) &&
    (path === undefined || (path.endsWith("/") ? eventPath.startsWith(path) : eventPath === path))
  );
}

/** The hash that {@link memoryPasswordHasher} takes for that of `password`. */
export function memoryPasswordHash(password: string): string {
  return `$memory$${createHash("sha256").update(password).digest("base64")}`;
}

export const memoryPasswordHasher: PasswordHasher = {
  verify: async (password, hash) => hash === memoryPasswordHash(password),
  hash: async (password) => memoryPasswordHash(password),
};

/** What the code under test logged, for assertions. */
export interface MemoryRuntime extends Runtime {
  readonly logged: readonly { readonly level: keyof Log; readonly message: string; readonly fields: unknown }[];
}

export function createMemoryRuntime(): MemoryRuntime {
  const logged: { level: keyof Log; message: string; fields: unknown }[] = [];
  const logger = (level: keyof Log) => (message: string, fields?: unknown) =>
    void logged.push({ level, message, fields });
  let count = 0;
  return {
    logged,
    now: () => Date.now(),
    newId: () =>
      `${Date.now().toString(16)}-${(count++).toString(16).padStart(8, "0")}-${randomBytes(4).toString("hex")}`,
    sha256: () => {
      const hash = createHash("sha256");
      return { update: (chunk) => void hash.update(chunk), hex: () => hash.digest("hex") };
    },
    every: (intervalMs, action) => {
      const timer = setInterval(action, intervalMs).unref();
      return () => clearInterval(timer);
    },
    log: { info: logger("info"), warn: logger("warn"), error: logger("error") },
  };
}

/** An account that may do everything and has the password `password`, unless `changes` says otherwise. */
export function testAccount(changes: Partial<Account> = {}): Account {
  const name = changes.name ?? "tester";
  return {
    name,
    groups: [],
    passwordHash: memoryPasswordHash("password"),
    publicKeys: [],
    roles: [],
    enabled: true,
    expiresAtMs: undefined,
    sources: undefined,
    home: name,
    folders: [],
    permissions: [{ expression: undefined, tokens: ["allow-full-control"], label: `account ${name}, permissions[0]` }],
    ...changes,
  };
}

export interface MemoryServices extends SessionServices {
  readonly accounting: MemoryAccountingLog;
  readonly runtime: MemoryRuntime;
}

/** All ports in memory. `changes` replaces some, for example by a store that stalls. */
export function createMemoryServices<Changes extends Partial<SessionServices>>(
  accounts: readonly Account[],
  changes?: Changes,
): MemoryServices & Changes {
  return {
    objects: createMemoryObjectStore(),
    accounting: createMemoryAccountingLog(),
    accounts: { find: async (name) => accounts.find((account) => account.name === name) },
    passwords: memoryPasswordHasher,
    runtime: createMemoryRuntime(),
    serverName: "test",
    ...(changes as Changes),
  };
}

/** The door for a protocol under test, and what stands behind it. */
export function createMemoryPipeline(
  accounts: readonly Account[] = [testAccount()],
  changes?: Partial<SessionServices>,
) {
  const services = createMemoryServices(accounts, changes);
  return { services, ...createSessionOpener(services) };
}
