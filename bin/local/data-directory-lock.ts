import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/**
 * Makes sure that one server at a time works on a data directory: two would each take the other's uploads for the
 * leftovers of a crash. The lock is SQLite's on a file of its own, so that the system frees it when a process dies.
 * Answers how to free it, or undefined when another process has it. @throws Error that names the file
 */
export function lockDataDirectory(dataDirectory: string): (() => void) | undefined {
  mkdirSync(join(dataDirectory, "run"), { recursive: true, mode: 0o700 });
  const file = join(dataDirectory, "run", "lock.sqlite");
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(file);
    database.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    database?.close();
    if (isBusy(error)) return undefined;
    const reason = error instanceof Error ? error.message : `${error}`;
    throw new Error(`${file}, which a server locks, cannot be used: ${reason}`, { cause: error });
  }
  const locked = database;
  return () => locked.close();
}

/** SQLITE_BUSY, in the lower byte of SQLite's codes. */
function isBusy(error: unknown): boolean {
  return error instanceof Error && "errcode" in error && (Number(error.errcode) & 0xff) === 5;
}
