import type { EventType } from "../../core/accounting-event.ts";
import type { EventQuery } from "../../ports/accounting-log.ts";
import { checkPageLimit, cursorOf, type EventOrder, instantOf, placeOf } from "../node/event-query.ts";

/** An {@link EventQuery} that was checked, in the form in which it goes to the database's thread. */
export interface EventSelection {
  /** In the form of the column `time`, so that texts compare as times do. */
  readonly since: string | undefined;
  readonly until: string | undefined;
  readonly types: readonly EventType[] | undefined;
  readonly account: string | undefined;
  readonly peer: string | undefined;
  readonly path: string | undefined;
  readonly limit: number;
  readonly order: EventOrder;
  /** The `seq` of the last event that was read already. */
  readonly behindSeq: number | undefined;
}

/** @throws FileError `invalid-argument` with the part of the query as `field`. */
export function selectionOf(query: EventQuery): EventSelection {
  const { types, account, peer, path, limit, order = "asc" } = query;
  checkPageLimit(query);
  const behindSeq = query.cursor === undefined ? undefined : Number(placeOf(query.cursor, order, isSeq));
  const [since, until] = [instantText(query.since, "since"), instantText(query.until, "until")];
  return { since, until, types, account, peer, path, limit, order, behindSeq };
}

/** Events have rising numbers and are never renumbered, so the number of the last one read marks a place for good. */
export function cursorBehind(seq: number, order: EventOrder): string {
  return cursorOf(String(seq), order);
}

function isSeq(text: string): boolean {
  return Number.isSafeInteger(Number(text)) && Number(text) >= 0 && String(Number(text)) === text;
}

function instantText(text: string | undefined, field: "since" | "until"): string | undefined {
  const instantMs = instantOf(text, field);
  return instantMs === undefined ? undefined : new Date(instantMs).toISOString();
}

type Parameter = string | number;

/** SQL with its parameters in their order. */
export interface Statement {
  readonly sql: string;
  readonly parameters: readonly Parameter[];
}

/** The first and last event of the selection's time. It reads an index only, and spares the selection the rest. */
export function timeRangeStatement({ since, until }: EventSelection): Statement | undefined {
  if (since === undefined && until === undefined) return undefined;
  return {
    sql: "SELECT min(seq) AS first, max(seq) AS last FROM events WHERE time >= ? AND time < ?",
    parameters: [since ?? "", until ?? behindAllTexts],
  };
}

/** Greater than every ISO 8601 text. */
const behindAllTexts = "~";

/** The selected events with a `seq` from `first` to `last`, one more than the limit where there are more. */
export function selectionStatement(selection: EventSelection, range: { first: number; last: number }): Statement {
  const { account, peer, types, since, until, path, order, limit } = selection;
  const seqs = seqsLeft(selection, range);
  const conditions: Statement[] = [
    { sql: "seq BETWEEN ? AND ?", parameters: seqs },
    ...compared("account = ?", account),
    ...compared("peer = ?", peer),
    ...compared("time >= ?", since),
    ...compared("time < ?", until),
    ...(types ? [{ sql: `type IN (${types.map(() => "?").join()})`, parameters: types }] : []),
    ...(path === undefined ? [] : [pathCondition(path, seqs)]),
  ];
  return {
    sql: `SELECT seq, json FROM events WHERE ${conditions.map(({ sql }) => sql).join(" AND ")}
      ORDER BY seq ${order === "asc" ? "ASC" : "DESC"} LIMIT ?`,
    parameters: [...conditions.flatMap(({ parameters }) => parameters), limit + 1],
  };
}

function seqsLeft(
  { order, behindSeq }: EventSelection,
  { first, last }: { first: number; last: number },
): readonly [number, number] {
  if (behindSeq === undefined) return [first, last];
  return order === "asc" ? [Math.max(first, behindSeq + 1), last] : [first, Math.min(last, behindSeq - 1)];
}

function compared(sql: string, value: Parameter | undefined): readonly Statement[] {
  return value === undefined ? [] : [{ sql, parameters: [value] }];
}

/** As `pathSearch` of core. SQLite looks only at the paths that begin as the search does before its first `*`. */
function pathCondition(path: string, seqs: readonly [number, number]): Statement {
  const match = path.endsWith("/") ? "path GLOB ? AND path <> ?" : path.includes("*") ? "path GLOB ?" : "path = ?";
  const glob = path.replace(/[?[]/g, "[$&]");
  const texts = path.endsWith("/") ? [`${glob}*`, path] : [path.includes("*") ? glob : path];
  return {
    sql: `seq IN (SELECT seq FROM event_paths WHERE ${match} AND seq BETWEEN ? AND ?)`,
    parameters: [...texts, ...seqs],
  };
}
