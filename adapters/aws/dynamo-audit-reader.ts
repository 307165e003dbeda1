import type { AccountingEvent } from "../../core/accounting-event.ts";
import { FileError } from "../../core/errors.ts";
import { parseInstant } from "../../core/instant.ts";
import { limits } from "../../core/limits.ts";
import { pathSearch } from "../../core/path-search.ts";
import type { EventPage, EventQuery } from "../../ports/accounting-log.ts";
import { checkPageLimit, cursorOf, type EventOrder, instantOf, placeOf } from "../node/event-query.ts";
import {
  type AuditStream,
  hourOf,
  isAuditPlace,
  placeAt,
  shardAt,
  shardListPartition,
  shardOf,
  shardPartition,
} from "./audit-places.ts";
import type { Item, TableQuery } from "./dynamo-expressions.ts";
import type { DynamoTable } from "./dynamo-table.ts";

/** An {@link EventQuery} that was checked. */
interface Search {
  readonly stream: AuditStream;
  readonly order: EventOrder;
  readonly limit: number;
  readonly sinceMs: number | undefined;
  readonly untilMs: number | undefined;
  /** The place behind which the page begins. */
  readonly behind: string | undefined;
  readonly matches: (event: AccountingEvent) => boolean;
  /** Whether every event of the stream matches. */
  readonly isPlain: boolean;
}

interface PlacedAuditEvent {
  readonly place: string;
  readonly event: AccountingEvent;
}

/** Searches the audit index, shard by shard. */
export class AuditReader {
  readonly #table: DynamoTable;
  readonly #settleMs: number;

  constructor(table: DynamoTable, settleMs: number) {
    this.#table = table;
    this.#settleMs = settleMs;
  }

  /**
   * Answers as AccountingLog.query. A page may end before its limit, with a cursor, when limits.auditScanEvents were
   * looked at. @throws FileError `invalid-argument` for a search that finds nothing among ten times as many
   */
  async query(query: EventQuery): Promise<EventPage> {
    const search = searchOf(query);
    // Every event that can still come stands behind this.
    const end = placeAt(this.#table.now() - this.#settleMs);
    const found: PlacedAuditEvent[] = [];
    let seen = 0;
    let lastSeen: string | undefined;
    for await (const item of this.#items(search, end)) {
      if (isFull(found.length, seen)) return pageOf(search, found, lastSeen);
      seen += 1;
      const event: AccountingEvent = JSON.parse(String(item.json));
      if (!search.matches(event)) {
        lastSeen = item.sk;
        continue;
      }
      if (found.length === search.limit) return pageOf(search, found, found.at(-1)?.place);
      found.push({ place: item.sk, event });
      lastSeen = item.sk;
    }
    const page = pageOf(search, found, undefined);
    if (search.order === "desc") return page;
    return { ...page, reached: cursorOf(latest(latest(lastSeen, search.behind), end) ?? end, "asc") };
  }

  async *#items(search: Search, end: string): AsyncGenerator<Item> {
    const { stream, order } = search;
    for await (const shard of this.#shards(search)) {
      const query = this.#shardQuery(search, { partition: shardPartition(shard, stream), shard });
      for await (const item of this.#table.query(query)) {
        if (this.#settleMs > 0 && order === "asc" && item.sk >= end) return;
        yield item;
      }
    }
  }

  #shardQuery({ stream, order, limit, behind, isPlain }: Search, place: { partition: string; shard: string }) {
    const isFirst = behind !== undefined && shardOf(behind, stream) === place.shard;
    const query: TableQuery = {
      partition: place.partition,
      descending: order === "desc",
      ...(isFirst && { after: behind }),
      // Nothing is left out of what is read: more would be read in vain.
      ...(isPlain && { limit: limit + 1 }),
    };
    return query;
  }

  /** The shards in which something of the search's time may be, in its order. */
  async *#shards({ stream, order, sinceMs, untilMs, behind }: Search): AsyncGenerator<string> {
    const [first, last] = ["0", "~"];
    const behindShard = behind === undefined ? undefined : shardOf(behind, stream);
    const sinceShard = sinceMs === undefined ? undefined : shardAt(Math.max(0, sinceMs - limits.auditClockMs), stream);
    const lowest = order === "asc" ? latest(behindShard, sinceShard) : sinceShard;
    const highest = order === "desc" ? behindShard : undefined;
    const hours = { first: sinceMs === undefined ? first : hourOf(sinceMs), last: untilHour(untilMs) ?? last };
    const query: TableQuery = {
      partition: shardListPartition(stream),
      between: [lowest ?? first, highest ?? last],
      descending: order === "desc",
    };
    for await (const { sk, hours: remembered } of this.#table.query(query)) {
      const isInTime = [...(remembered as Set<string>)].some((hour) => hour >= hours.first && hour <= hours.last);
      if (isInTime) yield sk;
    }
  }
}

function latest(a: string | undefined, b: string | undefined): string | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return a > b ? a : b;
}

function untilHour(untilMs: number | undefined): string | undefined {
  return untilMs === undefined ? undefined : hourOf(untilMs);
}

/** @throws FileError `invalid-argument` when too much was looked at for nothing */
function isFull(found: number, seen: number): boolean {
  if (found > 0) return seen >= limits.auditScanEvents;
  if (seen < 10 * limits.auditScanEvents) return false;
  const message = `nothing is found among ${seen} events: narrow the time of the search, or name an account`;
  throw new FileError("invalid-argument", message, { field: "since" });
}

function pageOf(search: Search, found: readonly PlacedAuditEvent[], behind: string | undefined): EventPage {
  const cursor = behind === undefined ? undefined : cursorOf(behind, search.order);
  return {
    events: found.map(({ event }) => event),
    cursor,
    reached: search.order === "asc" ? cursor : undefined,
    cursors: found.map(({ place }) => cursorOf(place, search.order)),
  };
}

function searchOf(query: EventQuery): Search {
  const { account, limit, order = "asc", types, peer, path, cursor } = query;
  checkPageLimit(query);
  const [sinceMs, untilMs] = [instantOf(query.since, "since"), instantOf(query.until, "until")];
  return {
    stream: account === undefined ? undefined : { account },
    order,
    limit,
    sinceMs,
    untilMs,
    behind: cursor === undefined ? undefined : placeOf(cursor, order, isAuditPlace),
    matches: matcher({ types, peer, path, sinceMs, untilMs }),
    isPlain: [types, peer, path, sinceMs, untilMs].every((part) => part === undefined),
  };
}

interface Filter extends Pick<EventQuery, "types" | "peer" | "path"> {
  readonly sinceMs: number | undefined;
  readonly untilMs: number | undefined;
}

function matcher({ types, peer, path, sinceMs, untilMs }: Filter): (event: AccountingEvent) => boolean {
  const isMeant = path === undefined ? undefined : pathSearch(path);
  return (event) => {
    const timeMs = parseInstant(event.time) ?? 0;
    return (
      (sinceMs === undefined || timeMs >= sinceMs) &&
      (untilMs === undefined || timeMs < untilMs) &&
      (types === undefined || types.includes(event.type)) &&
      (peer === undefined || event.peer?.address === peer) &&
      (isMeant === undefined || pathsOf(event).some(isMeant))
    );
  };
}

function pathsOf({ data }: AccountingEvent): readonly string[] {
  return [data.path, data.from, data.to].filter((path) => typeof path === "string");
}
