import { createHash, randomBytes } from "node:crypto";
import type { Account } from "../../core/account.ts";
import type { AccountingEvent } from "../../core/accounting-event.ts";
import { pathSearch } from "../../core/path-search.ts";
import type { AccountingLog, EventQuery } from "../../ports/accounting-log.ts";
import type { EventFeed } from "../../ports/event-feed.ts";
import type { PasswordHasher } from "../../ports/password-hasher.ts";
import type { Log, Runtime } from "../../ports/runtime.ts";
import { createSessionOpener } from "../../service/session/open-session.ts";
import type { SessionServices } from "../../service/session/services.ts";
import { createMemoryObjectStore } from "./memory-object-store.ts";

/** An {@link AccountingLog} whose events a test can read in `events`, oldest first. */
export interface MemoryAccountingLog extends AccountingLog, EventFeed {
  readonly events: readonly AccountingEvent[];
}

export function createMemoryAccountingLog(): MemoryAccountingLog {
  const events: AccountingEvent[] = [];
  const byId = new Map<string, AccountingEvent>();
  const listeners = new Set<() => void>();
  return {
    events,
    append: async (event) => {
      if (byId.has(event.id)) return;
      byId.set(event.id, event);
      events.push(event);
      for (const listener of listeners) listener();
    },
    end: async () => events.length,
    readBehind: async (position, limit) =>
      events.slice(position, position + limit).map((event, index) => ({ position: position + index + 1, event })),
    onAppend: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    query: async (query) => {
      const placed = events.map((event, index) => ({ event, cursor: `${index + 1}` }));
      if (query.order === "desc") placed.reverse();
      const start = query.cursor === undefined ? 0 : placed.findIndex(({ cursor }) => cursor === query.cursor) + 1;
      const matching = placed.slice(start).filter(({ event }) => matches(event, query));
      const page = matching.slice(0, query.limit);
      const cursors = page.map(({ cursor }) => cursor);
      const cursor = matching.length > page.length ? cursors.at(-1) : undefined;
      const reached = query.order === "desc" ? undefined : (cursor ?? `${events.length}`);
      return { events: page.map(({ event }) => event), cursor, cursors, reached };
    },
    find: async (eventId) => byId.get(eventId),
    unfinishedTransfers: async () =>
      events
        .filter(({ type, data }) => type === "transfer.started" && !hasEnded(events, data.transferId))
        .map((started) => ({ started })),
    unfinishedSessions: async () => {
      const ended = new Set(events.filter(({ type }) => type === "session.ended").map(({ session }) => session));
      return events.filter(({ type, session }) => type === "session.started" && !ended.has(session));
    },
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
    (path === undefined || pathSearch(path)(eventPath))
  );
}

/** What {@link memoryPasswordHasher} takes for the hash of `password`: it has the form of one, and costs nothing. */
export function memoryPasswordHash(password: string): string {
  const tag = createHash("sha256").update(password).digest("base64").replace("=", "");
  return `$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$${tag}`;
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
    random: () => Math.random(),
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
