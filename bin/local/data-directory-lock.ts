import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/**
 * Makes sure that one server at a time works on a data directory: two would each take the other's uploads for the
 * leftovers of a crash. The lock is SQLite's on a file of its own, so that the system frees it when a process dies.
 * Answers how to free it, or undefined when another process has it.
 */
export function lockDataDirectory(dataDirectory: string): (() => void) | undefined {
  mkdirSync(join(dataDirectory, "run"), { recursive: true, mode: 0o700 });
  const database = new DatabaseSync(join(dataDirectory, "run", "lock.sqlite"));
  try {
    database.exec("BEGIN EXCLUSIVE");
  } catch {
    database.close();
    return undefined;
  }
  return () => database.close();
}
