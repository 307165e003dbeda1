import type { DatabaseSync, SQLInputValue } from "node:sqlite";
import type { AlertLane } from "../../core/alert-rule.ts";
import type { AlertDelivery, PendingDeliveries, PlacedDelivery } from "../../ports/alert-outbox.ts";
import { openSqliteFile, prepareTables } from "./sqlite-file.ts";

const schema = `
  CREATE TABLE deliveries (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    lane TEXT NOT NULL,
    accepted_ms INTEGER NOT NULL,
    settled_ms INTEGER,
    event TEXT NOT NULL
  ) STRICT;
  CREATE INDEX deliveries_pending ON deliveries (lane, position) WHERE settled_ms IS NULL;
  CREATE INDEX deliveries_settled ON deliveries (settled_ms) WHERE settled_ms IS NOT NULL;
`;

/** The outbox of alerts in one SQLite file. Calls block until the disk has answered. */
export class AlertDatabase {
  readonly #connection: DatabaseSync;

  /** Opens the file, or makes it. @throws Error when it is not such a file or SQLite cannot use it. */
  constructor(file: string) {
    const prepare = (connection: DatabaseSync) => prepareTables(connection, { version: 1, schema });
    // What is accepted is not asked for again, so it has to be on disk.
    this.#connection = openSqliteFile(file, { mode: 0o640, isDurable: true, prepare });
  }

  add(deliveries: readonly AlertDelivery[]): void {
    const sql = "INSERT INTO deliveries (id, lane, accepted_ms, event) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO NOTHING";
    this.#connection.exec("BEGIN IMMEDIATE");
    for (const { id, lane, acceptedAtMs, event } of deliveries) {
      this.#run(sql, id, laneText(lane), acceptedAtMs, JSON.stringify(event));
    }
    this.#connection.exec("COMMIT");
  }

  lanes(): readonly AlertLane[] {
    const rows = this.#connection.prepare("SELECT DISTINCT lane FROM deliveries WHERE settled_ms IS NULL").all();
    return rows.map(({ lane }) => laneOf(String(lane)));
  }

  pending(lane: AlertLane, limit: number): PendingDeliveries {
    const from = "FROM deliveries WHERE lane = ? AND settled_ms IS NULL";
    const first = this.#connection.prepare(`SELECT * ${from} ORDER BY position LIMIT ?`).all(laneText(lane), limit);
    const last = this.#connection.prepare(`SELECT * ${from} ORDER BY position DESC LIMIT 1`).get(laneText(lane));
    const counted = this.#connection.prepare(`SELECT count(*) AS count ${from}`).get(laneText(lane));
    return { first: first.map(deliveryOf), last: last && deliveryOf(last), count: Number(counted?.count) };
  }

  /** What is settled keeps its id, and no longer its event. */
  settle(lane: AlertLane, position: number, nowMs: number): void {
    const sql =
      "UPDATE deliveries SET settled_ms = ?, event = '' WHERE lane = ? AND position <= ? AND settled_ms IS NULL";
    this.#run(sql, nowMs, laneText(lane), position);
  }

  withdraw(lane: AlertLane, position: number): void {
    this.#run(
      "DELETE FROM deliveries WHERE lane = ? AND position <= ? AND settled_ms IS NULL",
      laneText(lane),
      position,
    );
  }

  forget(settledBeforeMs: number): void {
    this.#run("DELETE FROM deliveries WHERE settled_ms < ?", settledBeforeMs);
  }

  close(): void {
    this.#connection.close();
  }

  #run(sql: string, ...parameters: readonly SQLInputValue[]): void {
    this.#connection.prepare(sql).run(...parameters);
  }
}

function laneText({ rule, target }: AlertLane): string {
  return `${target} ${rule}`;
}

function laneOf(text: string): AlertLane {
  const space = text.indexOf(" ");
  return { target: text.slice(0, space) === "email" ? "email" : "webhook", rule: text.slice(space + 1) };
}

function deliveryOf({ position, id, lane, accepted_ms, event }: Record<string, unknown>): PlacedDelivery {
  return {
    position: Number(position),
    id: String(id),
    lane: laneOf(String(lane)),
    acceptedAtMs: Number(accepted_ms),
    event: JSON.parse(String(event)),
  };
}
