import type { DatabaseSync, SQLInputValue } from "node:sqlite";
import type { AccountingEvent } from "../../core/accounting-event.ts";
import type { Claim, ClaimRequest } from "../../ports/claims.ts";
import type { DeadLetter, DeadLetterPage } from "../../ports/dead-letters.ts";
import type { PullRun } from "../../ports/pull-memory.ts";
import type { QueuedPush, WaitingPushes } from "../../ports/push-queue.ts";
import { openSqliteFile, prepareTables } from "./sqlite-file.ts";

/** What version 2 has beside that of version 1. */
const destinationTables = `
  CREATE TABLE pushes (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    destination TEXT NOT NULL,
    event_id TEXT NOT NULL,
    event TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    due_ms INTEGER NOT NULL DEFAULT 0,
    UNIQUE (destination, event_id)
  ) STRICT;
  CREATE INDEX pushes_due ON pushes (destination, due_ms, position);
  CREATE TABLE pulled (
    pull TEXT NOT NULL,
    id TEXT NOT NULL,
    seen_ms INTEGER NOT NULL,
    PRIMARY KEY (pull, id)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE pull_runs (pull TEXT PRIMARY KEY, json TEXT NOT NULL) STRICT, WITHOUT ROWID;
`;

const schema = `
  CREATE TABLE positions (consumer TEXT PRIMARY KEY, position INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE claims (
    id TEXT PRIMARY KEY,
    owner TEXT,
    lease_ends_ms INTEGER NOT NULL,
    completed_ms INTEGER,
    note TEXT
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX claims_lease ON claims (lease_ends_ms);
  CREATE TABLE dead_letters (id TEXT PRIMARY KEY, json TEXT NOT NULL) STRICT, WITHOUT ROWID;
  ${destinationTables}
`;

const tables = { version: 2, schema, upgrades: { 1: destinationTables } };

/**
 * What consumers of events remember, in one SQLite file. A crash of the process loses nothing; one of the machine may
 * lose the last changes, but only together with all later ones, so that work is repeated and never left out.
 */
export class AutomationDatabase {
  readonly #connection: DatabaseSync;

  /** Opens the file, or makes it. @throws Error when it is not such a file or SQLite cannot use it. */
  constructor(file: string) {
    const prepare = (connection: DatabaseSync) => prepareTables(connection, tables);
    this.#connection = openSqliteFile(file, { mode: 0o640, isDurable: false, prepare });
  }

  /** Frees what a process that died had claimed: one process at a time works on a data directory. */
  endLeases(): void {
    this.#run("UPDATE claims SET owner = NULL WHERE completed_ms IS NULL");
  }

  /** Forgets work that nobody had any more at that moment, save for that of events which may still be replayed. */
  forgetClaims(endedBeforeMs: number): void {
    const isReplayable = "SELECT 1 FROM dead_letters AS letter WHERE substr(claims.id, 1, length(letter.id) + 1)";
    const sql = `DELETE FROM claims WHERE lease_ends_ms < ? AND NOT EXISTS (${isReplayable} = letter.id || '/')`;
    this.#run(sql, endedBeforeMs);
  }

  loadPosition(consumer: string): number | undefined {
    const row = this.#row("SELECT position FROM positions WHERE consumer = ?", consumer);
    return row && Number(row.position);
  }

  savePosition(consumer: string, position: number): void {
    this.#run("INSERT OR REPLACE INTO positions (consumer, position) VALUES (?, ?)", consumer, position);
  }

  claim({ id, owner, leaseMs }: ClaimRequest, nowMs: number): Claim {
    const leaseEndsMs = nowMs + leaseMs;
    this.#run(
      `INSERT INTO claims (id, owner, lease_ends_ms) VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE
        SET owner = excluded.owner, lease_ends_ms = excluded.lease_ends_ms
        WHERE completed_ms IS NULL AND (owner IS NULL OR owner = excluded.owner OR lease_ends_ms <= ?)`,
      ...[id, owner, leaseEndsMs, nowMs],
    );
    const row = this.#row("SELECT owner, completed_ms, note FROM claims WHERE id = ?", id);
    const note = row?.note == null ? undefined : String(row.note);
    if (row?.completed_ms != null) return { state: "completed", note: note ?? "" };
    return row?.owner === owner ? { state: "claimed", note } : { state: "busy" };
  }

  /** False when the claim is not the owner's. */
  annotate(id: string, owner: string, note: string): boolean {
    const sql = "UPDATE claims SET note = ? WHERE id = ? AND owner = ? AND completed_ms IS NULL";
    return this.#run(sql, note, id, owner) === 1;
  }

  /** False when the claim is not the owner's. */
  complete({ id, owner, result }: { id: string; owner: string; result: string }, nowMs: number): boolean {
    const sql = "UPDATE claims SET note = ?, completed_ms = ? WHERE id = ? AND owner = ? AND completed_ms IS NULL";
    return this.#run(sql, result, nowMs, id, owner) === 1;
  }

  release(id: string, owner: string): void {
    this.#run("UPDATE claims SET owner = NULL WHERE id = ? AND owner = ? AND completed_ms IS NULL", id, owner);
  }

  putLetter(letter: DeadLetter): void {
    this.#run("INSERT OR REPLACE INTO dead_letters (id, json) VALUES (?, ?)", letter.id, JSON.stringify(letter));
  }

  findLetter(id: string): DeadLetter | undefined {
    const row = this.#row("SELECT json FROM dead_letters WHERE id = ?", id);
    return row && JSON.parse(String(row.json));
  }

  listLetters({ after = "", limit }: { after?: string | undefined; limit: number }): DeadLetterPage {
    const sql = "SELECT json FROM dead_letters WHERE id > ? ORDER BY id LIMIT ?";
    const rows = this.#connection.prepare(sql).all(after, limit + 1);
    const letters = rows.slice(0, limit).map(({ json }): DeadLetter => JSON.parse(String(json)));
    return { letters, next: rows.length > limit ? letters.at(-1)?.id : undefined };
  }

  removeLetter(id: string): void {
    this.#run("DELETE FROM dead_letters WHERE id = ?", id);
  }

  addPush(destination: string, event: AccountingEvent): void {
    const sql = "INSERT OR REPLACE INTO pushes (destination, event_id, event) VALUES (?, ?, ?)";
    this.#run(sql, destination, event.id, JSON.stringify(event));
  }

  waitingPushes(): WaitingPushes[] {
    const sql = "SELECT destination, count(*) AS count FROM pushes GROUP BY destination";
    const rows = this.#connection.prepare(sql).all();
    return rows.map(({ destination, count }) => ({ destination: String(destination), count: Number(count) }));
  }

  firstPushes(destination: string, limit: number): QueuedPush[] {
    const sql = `SELECT position, event, attempts, due_ms FROM pushes WHERE destination = ?
      ORDER BY due_ms, position LIMIT ?`;
    const rows = this.#connection.prepare(sql).all(destination, limit);
    return rows.map(({ position, event, attempts, due_ms }) => ({
      position: Number(position),
      destination,
      event: JSON.parse(String(event)) as AccountingEvent,
      attempts: Number(attempts),
      dueAtMs: Number(due_ms),
    }));
  }

  postponePush(position: number, { attempts, dueAtMs }: Pick<QueuedPush, "attempts" | "dueAtMs">): void {
    this.#run("UPDATE pushes SET attempts = ?, due_ms = ? WHERE position = ?", attempts, dueAtMs, position);
  }

  settlePush(position: number): void {
    this.#run("DELETE FROM pushes WHERE position = ?", position);
  }

  /** Those of the ids that are remembered; they stay so for as long as if they were new. */
  knownPulls(pull: string, ids: readonly string[], nowMs: number): string[] {
    const seen = this.#connection.prepare("UPDATE pulled SET seen_ms = ? WHERE pull = ? AND id = ?");
    return this.#inTransaction(() => ids.filter((id) => seen.run(nowMs, pull, id).changes > 0));
  }

  rememberPull(pull: string, id: string, nowMs: number): void {
    this.#run("INSERT OR REPLACE INTO pulled (pull, id, seen_ms) VALUES (?, ?, ?)", pull, id, nowMs);
  }

  forgetPulls(seenBeforeMs: number): void {
    this.#run("DELETE FROM pulled WHERE seen_ms < ?", seenBeforeMs);
  }

  putPullRun(pull: string, run: PullRun): void {
    this.#run("INSERT OR REPLACE INTO pull_runs (pull, json) VALUES (?, ?)", pull, JSON.stringify(run));
  }

  pullRun(pull: string): PullRun | undefined {
    const row = this.#row("SELECT json FROM pull_runs WHERE pull = ?", pull);
    return row && JSON.parse(String(row.json));
  }

  close(): void {
    this.#connection.close();
  }

  #inTransaction<T>(work: () => T): T {
    this.#connection.exec("BEGIN IMMEDIATE");
    try {
      const result = work();
      this.#connection.exec("COMMIT");
      return result;
    } catch (error) {
      this.#connection.exec("ROLLBACK");
      throw error;
    }
  }

  #run(sql: string, ...parameters: readonly SQLInputValue[]): number {
    return Number(this.#connection.prepare(sql).run(...parameters).changes);
  }

  #row(sql: string, ...parameters: readonly SQLInputValue[]) {
    return this.#connection.prepare(sql).get(...parameters);
  }
}
