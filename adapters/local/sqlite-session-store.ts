import type { TokenSession, TokenSessionStore } from "../../ports/session-tokens.ts";
import { openSqliteFile } from "./sqlite-file.ts";

const schema = `
  CREATE TABLE IF NOT EXISTS token_sessions (
    session_id TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    expires_at_ms INTEGER NOT NULL,
    json TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS token_sessions_account ON token_sessions (account);
  CREATE INDEX IF NOT EXISTS token_sessions_expiry ON token_sessions (expires_at_ms);
`;

const expiredAtOnce = 1000;

/**
 * The sessions of tokens in a SQLite file. Calls block until the disk has answered, which is short against the check
 * of a password that goes before each of them.
 */
export function createSqliteSessionStore(file: string): TokenSessionStore & { close(): void } {
  const database = openSqliteFile(file, { mode: 0o600, isDurable: true, prepare: (made) => made.exec(schema) });
  const insert = database.prepare("INSERT INTO token_sessions VALUES (?, ?, ?, ?)");
  const select = database.prepare("SELECT json FROM token_sessions WHERE session_id = ?");
  const remove = database.prepare("DELETE FROM token_sessions WHERE session_id = ?");
  const count = database.prepare("SELECT count(*) AS count FROM token_sessions WHERE account = ?");
  const expired = database.prepare("SELECT json FROM token_sessions WHERE expires_at_ms <= ? LIMIT ?");
  return {
    add: async (session) => {
      insert.run(session.sessionId, session.accountName, session.expiresAtMs, JSON.stringify(session));
    },
    find: async (sessionId) => {
      const row = select.get(sessionId);
      return row && sessionOf(row);
    },
    remove: async (sessionId) => {
      remove.run(sessionId);
    },
    countOf: async (accountName) => Number(count.get(accountName)?.count),
    expired: async (nowMs) => expired.all(nowMs, expiredAtOnce).map(sessionOf),
    close: () => database.close(),
  };
}

function sessionOf({ json }: Record<string, unknown>): TokenSession {
  return JSON.parse(String(json)) as TokenSession;
}
