import { closeSync, openSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { limits } from "../../core/limits.ts";

export interface SqliteFileOptions {
  /** Of a new file, in the words of chmod. SQLite gives its other files the mode of this one. */
  readonly mode: number;
  /** True: a transaction is on disk when COMMIT answers. False: a crash of the machine may lose the last ones. */
  readonly isDurable: boolean;
  /** Makes the tables where they are missing. */
  readonly prepare: (connection: DatabaseSync) => void;
}

// On macOS durability takes the last two: a plain fsync leaves a transaction in the drive's cache.
const durable = "PRAGMA synchronous = FULL; PRAGMA fullfsync = 1; PRAGMA checkpoint_fullfsync = 1;";
const afterCrashOlder = "PRAGMA synchronous = NORMAL;";

/** Opens a database, or makes it; its folder has to exist. @throws Error when SQLite or `prepare` cannot use it. */
export function openSqliteFile(file: string, { mode, isDurable, prepare }: SqliteFileOptions): DatabaseSync {
  if (file !== ":memory:") closeSync(openSync(file, "a", mode));
  const connection = new DatabaseSync(file, { timeout: limits.eventLogBusyMs });
  try {
    connection.exec(`PRAGMA journal_mode = WAL; ${isDurable ? durable : afterCrashOlder}`);
    prepare(connection);
    return connection;
  } catch (error) {
    connection.close();
    throw error;
  }
}

export interface SqliteTables {
  /** Counts from 1; kept in the file as `user_version`. */
  readonly version: number;
  readonly schema: string;
  /** What brings a file of an older version to this one, by that version. */
  readonly upgrades?: Readonly<Record<number, string>>;
}

/**
 * Makes the tables in an empty file, or brings an older file up to date; one of several processes does it.
 * @throws Error for a file of another program or of a version that is not known; the message is for the operator.
 */
export function prepareTables(connection: DatabaseSync, tables: SqliteTables): void {
  if (versionOf(connection) === tables.version) return;
  connection.exec("BEGIN IMMEDIATE");
  try {
    connection.exec(`${statementsFor(connection, tables)} PRAGMA user_version = ${tables.version}; COMMIT;`);
  } catch (error) {
    if (connection.isTransaction) connection.exec("ROLLBACK");
    throw error;
  }
}

function statementsFor(connection: DatabaseSync, { version, schema, upgrades = {} }: SqliteTables): string {
  const found = versionOf(connection);
  if (found === version) return "";
  const upgrade = upgrades[found];
  if (upgrade !== undefined) return upgrade;
  if (found !== 0) throw new Error(`the file has version ${found}, this program knows ${version}`);
  const count = connection.prepare("SELECT count(*) AS count FROM sqlite_schema").get()?.count;
  if (count !== 0) throw new Error("the file is a database of another program");
  return schema;
}

function versionOf(connection: DatabaseSync): number {
  return Number(connection.prepare("PRAGMA user_version").get()?.user_version);
}
