import type { ResumableUpload, ResumableUploadStore } from "../../ports/resumable-uploads.ts";
import { openSqliteFile } from "./sqlite-file.ts";

const schema = `
  CREATE TABLE IF NOT EXISTS resumable_uploads (
    account TEXT NOT NULL,
    object_key TEXT NOT NULL,
    transfer_id TEXT NOT NULL,
    kept_bytes INTEGER,
    expires_at_ms INTEGER NOT NULL,
    PRIMARY KEY (account, object_key)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS resumable_uploads_expiry ON resumable_uploads (expires_at_ms);
`;

const columns = "account, object_key, transfer_id, kept_bytes, expires_at_ms";
const expiredAtOnce = 1000;

/**
 * In a SQLite file. Calls do not wait for the disk: what a crash of the machine takes from here, it takes from uploads
 * under way too, and what was kept longer is found there.
 */
export function createSqliteResumableUploads(file: string): ResumableUploadStore & { close(): void } {
  const database = openSqliteFile(file, { mode: 0o600, isDurable: false, prepare: (made) => made.exec(schema) });
  const table = `SELECT ${columns} FROM resumable_uploads`;
  const select = database.prepare(`${table} WHERE account = ? AND object_key = ?`);
  const insert = database.prepare(
    `INSERT INTO resumable_uploads (${columns}) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
  );
  const update = database.prepare(
    `UPDATE resumable_uploads SET transfer_id = ?, kept_bytes = ?, expires_at_ms = ?
     WHERE account = ? AND object_key = ? AND transfer_id = ?`,
  );
  const remove = database.prepare(
    "DELETE FROM resumable_uploads WHERE account = ? AND object_key = ? AND transfer_id = ?",
  );
  const ofAccount = database.prepare(`${table} WHERE account = ?`);
  const expired = database.prepare(`${table} WHERE expires_at_ms <= ? ORDER BY expires_at_ms LIMIT ?`);
  return {
    find: async (accountName, objectKey) => {
      const row = select.get(accountName, objectKey);
      return row && uploadOf(row);
    },
    put: async ({ accountName, objectKey, transferId, keptBytes = null, expiresAtMs }, instead) => {
      const outcome =
        instead === undefined
          ? insert.run(accountName, objectKey, transferId, keptBytes, expiresAtMs)
          : update.run(transferId, keptBytes, expiresAtMs, accountName, objectKey, instead);
      return outcome.changes === 1;
    },
    remove: async ({ accountName, objectKey, transferId }) =>
      remove.run(accountName, objectKey, transferId).changes === 1,
    ofAccount: async (accountName) => ofAccount.all(accountName).map(uploadOf),
    expired: async (nowMs) => expired.all(nowMs, expiredAtOnce).map(uploadOf),
    close: () => database.close(),
  };
}

function uploadOf(row: Record<string, unknown>): ResumableUpload {
  return {
    accountName: String(row.account),
    objectKey: String(row.object_key),
    transferId: String(row.transfer_id),
    keptBytes: row.kept_bytes === null ? undefined : Number(row.kept_bytes),
    expiresAtMs: Number(row.expires_at_ms),
  };
}
