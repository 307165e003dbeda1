import type { ApiToken, ApiTokenStore } from "../../ports/api-tokens.ts";
import { openSqliteFile } from "./sqlite-file.ts";

const schema = `
  CREATE TABLE IF NOT EXISTS api_tokens (
    id TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    name TEXT NOT NULL,
    digest TEXT NOT NULL UNIQUE,
    created_at_ms INTEGER NOT NULL,
    expires_at_ms INTEGER NOT NULL,
    json TEXT NOT NULL,
    UNIQUE (account, name)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS api_tokens_expiry ON api_tokens (expires_at_ms);
`;

/** The API tokens in a SQLite file. Calls block until the disk has answered; only the rare changes write to it. */
export function createSqliteApiTokenStore(file: string): ApiTokenStore & { close(): void } {
  const database = openSqliteFile(file, { mode: 0o600, isDurable: true, prepare: (made) => made.exec(schema) });
  const insert = database.prepare("INSERT INTO api_tokens VALUES (?, ?, ?, ?, ?, ?, ?)");
  const byId = database.prepare("SELECT json FROM api_tokens WHERE id = ?");
  const byDigest = database.prepare("SELECT json FROM api_tokens WHERE digest = ?");
  const byAccount = database.prepare("SELECT json FROM api_tokens WHERE account = ? ORDER BY created_at_ms, id");
  const remove = database.prepare("DELETE FROM api_tokens WHERE id = ?");
  const removeExpired = database.prepare("DELETE FROM api_tokens WHERE expires_at_ms <= ?");
  const accounts = database.prepare("SELECT DISTINCT account FROM api_tokens");
  const listed = (accountName: string) => byAccount.all(accountName).map(tokenOf);
  return {
    // Nothing of this process comes between the look and the insertion, and no other process has the file.
    add: async (token, most) => {
      const { id, accountName, name, digest, createdAtMs, expiresAtMs } = token;
      const others = listed(accountName);
      if (others.some((other) => other.name === name)) return "name-taken";
      if (others.length >= most) return "too-many";
      insert.run(id, accountName, name, digest, createdAtMs, expiresAtMs, JSON.stringify(token));
      return "added";
    },
    find: async (reference) => {
      const row = "id" in reference ? byId.get(reference.id) : byDigest.get(reference.digest);
      return row && tokenOf(row);
    },
    list: async (accountName) => listed(accountName),
    remove: async (id) => {
      remove.run(id);
    },
    removeExpired: async (nowMs) => {
      removeExpired.run(nowMs);
    },
    accountNames: async () => accounts.all().map(({ account }) => String(account)),
    close: () => database.close(),
  };
}

function tokenOf({ json }: Record<string, unknown>): ApiToken {
  return JSON.parse(String(json)) as ApiToken;
}
