import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import type { EntryKind } from "../../core/configuration-entry.ts";
import type { EntryName, EntryRow, EntryText } from "../node/configuration/entry-row.ts";
import { openSqliteFile, prepareTables } from "./sqlite-file.ts";

/**
 * `entries` is what is in force. `seeds` is what the configuration file said when it was last read, so that a later
 * version of the file overrides what it changes and nothing else. `events` waits for the accounting record.
 */
const schema = `
  CREATE TABLE entries (
    kind TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, modified TEXT NOT NULL,
    PRIMARY KEY (kind, name)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE seeds (
    kind TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY (kind, name)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE seeding (modified TEXT NOT NULL) STRICT;
  CREATE TABLE events (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, json TEXT NOT NULL) STRICT;
`;

/** Password hashes are in it. */
const fileMode = 0o600;

const columns = `entries.kind, entries.name, entries.value, entries.modified, seeds.value IS entries.value AS seeded
  FROM entries LEFT JOIN seeds ON seeds.kind = entries.kind AND seeds.name = entries.name`;

/** The managed configuration in one SQLite file. Calls block until the disk has answered; changes are rare. */
export class ConfigurationDatabase {
  readonly #connection: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  /** Opens the file, or makes it; `:memory:` keeps it nowhere. @throws Error in words for the operator. */
  constructor(file: string) {
    const prepare = (connection: DatabaseSync) => prepareTables(connection, { version: 1, schema });
    try {
      this.#connection = openSqliteFile(file, { mode: fileMode, isDurable: true, prepare });
    } catch (error) {
      throw new Error(
        `the configuration store ${file} cannot be used: ${error instanceof Error ? error.message : error}`,
      );
    }
  }

  /** Changes when another process has changed the file. */
  foreignVersion(): unknown {
    return this.#prepared("PRAGMA data_version").get()?.data_version;
  }

  /** Runs `work` in one transaction, which is taken back when it throws or answers `keep: false`. */
  transaction<T extends { readonly keep: boolean }>(work: () => T): T {
    this.#connection.exec("BEGIN IMMEDIATE");
    try {
      const result = work();
      this.#connection.exec(result.keep ? "COMMIT" : "ROLLBACK");
      return result;
    } catch (error) {
      if (this.#connection.isTransaction) this.#connection.exec("ROLLBACK");
      throw error;
    }
  }

  find({ kind, name }: EntryName): EntryRow | undefined {
    const row = this.#prepared(`SELECT ${columns} WHERE entries.kind = ? AND entries.name = ?`).get(kind, name);
    return row && rowOf(row);
  }

  /** In the order of their names, those behind `after`. */
  list(kind: EntryKind, { after, limit }: { after?: string | undefined; limit: number }): EntryRow[] {
    const sql = `SELECT ${columns} WHERE entries.kind = ? AND entries.name > ? ORDER BY entries.name LIMIT ?`;
    return this.#all(sql, kind, after ?? "", limit).map(rowOf);
  }

  count(kind: EntryKind): number {
    return Number(this.#prepared("SELECT count(*) AS count FROM entries WHERE kind = ?").get(kind)?.count);
  }

  /** Entries that are not what the file says. */
  overrides(): EntryRow[] {
    return this.#all(`SELECT ${columns} WHERE seeds.value IS NOT entries.value`).map(rowOf);
  }

  /** Entries of the file that were removed all the same. */
  removals(): EntryName[] {
    return this.#all("SELECT kind, name FROM seeds EXCEPT SELECT kind, name FROM entries").map(nameOf);
  }

  /** The names of accounts that have the group; at most `limit`. */
  accountsOfGroup(groupName: string, limit: number): string[] {
    const sql = `SELECT DISTINCT entries.name FROM entries, json_each(entries.value, '$.groups') AS named
      WHERE entries.kind = 'account' AND named.value = ? ORDER BY entries.name LIMIT ?`;
    return this.#all(sql, groupName, limit).map((row) => String(row.name));
  }

  write({ kind, name, value }: EntryText, modified: string): void {
    const sql = "INSERT OR REPLACE INTO entries (kind, name, value, modified) VALUES (?, ?, ?, ?)";
    this.#prepared(sql).run(kind, name, value, modified);
  }

  remove({ kind, name }: EntryName): void {
    this.#prepared("DELETE FROM entries WHERE kind = ? AND name = ?").run(kind, name);
  }

  seeds(): EntryText[] {
    return this.#all("SELECT kind, name, value FROM seeds").map((row) => ({
      ...nameOf(row),
      value: String(row.value),
    }));
  }

  writeSeed({ kind, name, value }: EntryText): void {
    this.#prepared("INSERT OR REPLACE INTO seeds (kind, name, value) VALUES (?, ?, ?)").run(kind, name, value);
  }

  removeSeed({ kind, name }: EntryName): void {
    this.#prepared("DELETE FROM seeds WHERE kind = ? AND name = ?").run(kind, name);
  }

  /** When a configuration file was read last (ISO 8601); undefined where none has been. */
  seededAt(): string | undefined {
    const row = this.#prepared("SELECT modified FROM seeding").get();
    return row && String(row.modified);
  }

  markSeeded(modified: string): void {
    this.#prepared("DELETE FROM seeding").run();
    this.#prepared("INSERT INTO seeding (modified) VALUES (?)").run(modified);
  }

  keepEvent(id: string, json: string): void {
    this.#prepared("INSERT INTO events (id, json) VALUES (?, ?)").run(id, json);
  }

  /** The JSON of each, oldest first. */
  events(): string[] {
    return this.#all("SELECT json FROM events ORDER BY seq").map(({ json }) => String(json));
  }

  removeEvent(id: string): void {
    this.#prepared("DELETE FROM events WHERE id = ?").run(id);
  }

  close(): void {
    this.#connection.close();
  }

  #all(sql: string, ...parameters: SQLInputValue[]): Record<string, unknown>[] {
    return this.#prepared(sql).all(...parameters);
  }

  #prepared(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known) return known;
    const statement = this.#connection.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }
}

function nameOf({ kind, name }: Record<string, unknown>): EntryName {
  return { kind: kind as EntryKind, name: String(name) };
}

function rowOf(row: Record<string, unknown>): EntryRow {
  const { value, modified, seeded } = row;
  return { ...nameOf(row), value: String(value), modified: String(modified), seeded: seeded === 1 };
}
