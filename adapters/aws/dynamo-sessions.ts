import type { TokenSession, TokenSessionStore } from "../../ports/session-tokens.ts";
import { ExpiringRecords } from "./dynamo-expiring-records.ts";
import type { DynamoTable } from "./dynamo-table.ts";
import { partitions } from "./env.ts";

const expiredAtOnce = 1000;

/** The sessions of tokens. `expired` is late by fractions of a second, everything else is not. */
export function createDynamoTokenSessionStore(table: DynamoTable): TokenSessionStore {
  const sessions = new ExpiringRecords<TokenSession>(
    table,
    `${partitions.sessions}token`,
    ({ sessionId, accountName, expiresAtMs }) => ({ id: sessionId, accountName, expiresAtMs }),
  );
  return {
    add: (session) => sessions.add(session),
    find: (sessionId) => sessions.find(sessionId),
    remove: (sessionId) => sessions.remove(sessionId),
    countOf: async (accountName) => (await sessions.ofAccount(accountName)).length,
    expired: (nowMs) => sessions.expired(nowMs, expiredAtOnce),
  };
}
