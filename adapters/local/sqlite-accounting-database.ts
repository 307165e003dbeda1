import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { AccountingEvent } from "../../core/accounting-event.ts";
import { parseInstant } from "../../core/instant.ts";
import { limits } from "../../core/limits.ts";
import { type EventSelection, selectionStatement, timeRangeStatement } from "./sqlite-event-query.ts";
import { openSqliteFile, prepareTables } from "./sqlite-file.ts";

/** `open_transfers` repeats what `events` says, so that finding the few open ones of millions is cheap. */
const schema = `
  CREATE TABLE events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    time TEXT NOT NULL,
    type TEXT NOT NULL,
    account TEXT,
    peer TEXT,
    json TEXT NOT NULL
  ) STRICT;
  CREATE INDEX events_time ON events (time);
  CREATE INDEX events_type ON events (type);
  CREATE INDEX events_account ON events (account) WHERE account IS NOT NULL;
  CREATE INDEX events_peer ON events (peer) WHERE peer IS NOT NULL;
  CREATE TABLE event_paths (path TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (path, seq)) STRICT, WITHOUT ROWID;
  CREATE TABLE open_transfers (transfer_id TEXT PRIMARY KEY, seq INTEGER NOT NULL) STRICT, WITHOUT ROWID;
`;

/** Readable by the group that backs it up, by nobody else. */
const fileMode = 0o640;

export interface EventRow {
  readonly seq: number;
  readonly json: string;
}

/** The accounting record in one SQLite file. Calls block until the disk has answered. */
export class AccountingDatabase {
  readonly #connection: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  /** Opens the file, or makes it. @throws Error when it is not an accounting log or SQLite cannot use it. */
  constructor(file: string, options: { readOnly: boolean }) {
    const prepare = (connection: DatabaseSync) => prepareTables(connection, { version: 1, schema });
    this.#connection = options.readOnly
      ? new DatabaseSync(file, { readOnly: true, timeout: limits.eventLogBusyMs })
      : openSqliteFile(file, { mode: fileMode, isDurable: true, prepare });
  }

  /**
   * Records the events, given as JSON, in one transaction that is durable afterwards. Known ids change nothing. After
   * an error the transaction may still be open: {@link close} ends it.
   */
  append(events: readonly string[]): void {
    this.#connection.exec("BEGIN IMMEDIATE");
    for (const json of events) this.#insert(json);
    this.#connection.exec("COMMIT");
  }

  /** The selected events, one more than the limit where there are more. */
  select(selection: EventSelection): readonly EventRow[] {
    const rangeStatement = timeRangeStatement(selection);
    const range = rangeStatement
      ? this.#prepared(rangeStatement.sql).get(...rangeStatement.parameters)
      : { first: 1, last: Number.MAX_SAFE_INTEGER };
    if (range?.first == null || range.last == null) return [];
    const { sql, parameters } = selectionStatement(selection, { first: Number(range.first), last: Number(range.last) });
    return this.#connection
      .prepare(sql)
      .all(...parameters)
      .map(rowOf);
  }

  /** The JSON of the event with this id. */
  find(eventId: string): string | undefined {
    const row = this.#prepared("SELECT seq, json FROM events WHERE id = ?").get(eventId);
    return row && rowOf(row).json;
  }

  /** The JSON of the started events of transfers without an end, oldest first. */
  unfinishedTransfers(): readonly string[] {
    const sql = "SELECT seq, json FROM open_transfers JOIN events USING (seq) ORDER BY seq";
    return this.#prepared(sql)
      .all()
      .map((row) => rowOf(row).json);
  }

  /** The JSON of the starts of sessions without an end, oldest first, since the last start of the server but one. */
  unfinishedSessions(): readonly string[] {
    const before = this.#prepared(
      "SELECT seq FROM events WHERE type = 'server.started' ORDER BY seq DESC LIMIT 1 OFFSET 1",
    ).get();
    const seq = Number(before?.seq ?? 0);
    const sql = `
      SELECT seq, json FROM events WHERE type = 'session.started' AND seq > ?
        AND json ->> '$.session' NOT IN (
          SELECT json ->> '$.session' FROM events
          WHERE type = 'session.ended' AND seq > ? AND json ->> '$.session' IS NOT NULL
        )
      ORDER BY seq`;
    return this.#prepared(sql)
      .all(seq, seq)
      .map((row) => rowOf(row).json);
  }

  /** The `seq` of the newest event; 0 when there is none. */
  end(): number {
    return Number(this.#prepared("SELECT max(seq) AS seq FROM events").get()?.seq ?? 0);
  }

  /** At most `limit` events behind the `seq`, oldest first. */
  readBehind(seq: number, limit: number): readonly EventRow[] {
    return this.#prepared("SELECT seq, json FROM events WHERE seq > ? ORDER BY seq LIMIT ?").all(seq, limit).map(rowOf);
  }

  /** Takes back a transaction that did not come to its end. */
  close(): void {
    this.#connection.close();
  }

  #insert(json: string): void {
    const event: AccountingEvent = JSON.parse(json);
    const { id, time, type, account, peer, data } = event;
    const insertion = this.#prepared(
      "INSERT INTO events (id, time, type, account, peer, json) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
    ).run(id, sortableTime(time), type, account?.name ?? null, peer?.address ?? null, json);
    if (insertion.changes === 0) return;
    const seq = insertion.lastInsertRowid;
    for (const path of new Set([data.path, data.from, data.to])) {
      if (typeof path !== "string") continue;
      this.#prepared("INSERT INTO event_paths (path, seq) VALUES (?, ?)").run(path, seq);
    }
    if (typeof data.transferId === "string") this.#trackTransfer(type, data.transferId, seq);
  }

  #trackTransfer(type: string, transferId: string, seq: number | bigint): void {
    if (type === "transfer.started") {
      this.#prepared("INSERT OR REPLACE INTO open_transfers (transfer_id, seq) VALUES (?, ?)").run(transferId, seq);
    } else if (type === "transfer.completed" || type === "transfer.aborted") {
      this.#prepared("DELETE FROM open_transfers WHERE transfer_id = ?").run(transferId);
    }
  }

  #prepared(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known) return known;
    const statement = this.#connection.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }
}

/** Queries compare times as texts, so all have one form. */
function sortableTime(time: string): string {
  const instantMs = parseInstant(time);
  return instantMs === undefined ? time : new Date(instantMs).toISOString();
}

function rowOf({ seq, json }: Record<string, unknown>): EventRow {
  return { seq: Number(seq), json: String(json) };
}
