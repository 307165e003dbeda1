import type { DatabaseSync } from "node:sqlite";
import { FileError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import type { VouchedAccount, VouchedAccounts } from "../../ports/vouched-accounts.ts";
import { openSqliteFile, prepareTables } from "./sqlite-file.ts";

const schema = `
  CREATE TABLE accounts (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    expires_ms INTEGER NOT NULL,
    json TEXT NOT NULL
  ) STRICT;
`;

/**
 * Opens the memory in one SQLite file; its folder has to exist. A crash of the machine may lose the last logins, which
 * costs their sessions and nothing else.
 * @throws Error when the file cannot be used; the message is for the operator.
 */
export function openSqliteVouchedAccounts(options: {
  readonly file: string;
  readonly now: () => number;
}): VouchedAccounts & { close(): void } {
  const { file, now } = options;
  const connection = open(file);
  const attempt = async <T>(action: () => T): Promise<T> => {
    try {
      return action();
    } catch (cause) {
      throw new FileError("unavailable", "the memory of vouched accounts cannot be used at the moment", { cause });
    }
  };
  return {
    load: () =>
      attempt(() => {
        connection.prepare("DELETE FROM accounts WHERE expires_ms <= ?").run(now());
        const rows = connection
          .prepare("SELECT * FROM accounts ORDER BY seq DESC LIMIT ?")
          .all(limits.externalAccounts);
        return rows.map(accountOf).reverse();
      }),
    keep: ({ name, external, expiresAtMs }) =>
      attempt(() => {
        const sql = "INSERT OR REPLACE INTO accounts (name, expires_ms, json) VALUES (?, ?, ?)";
        connection.prepare(sql).run(name, expiresAtMs, JSON.stringify(external));
      }),
    close: () => connection.close(),
  };
}

function open(file: string): DatabaseSync {
  const prepare = (connection: DatabaseSync) => prepareTables(connection, { version: 1, schema });
  try {
    return openSqliteFile(file, { mode: 0o640, isDurable: false, prepare });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`the memory of vouched accounts ${file} cannot be used: ${reason}`);
  }
}

function accountOf({ name, expires_ms, json }: Record<string, unknown>): VouchedAccount {
  return { name: String(name), expiresAtMs: Number(expires_ms), external: JSON.parse(String(json)) };
}
