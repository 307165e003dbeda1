import type { AccountingEvent } from "../../core/accounting-event.ts";
import { FileError } from "../../core/errors.ts";
import { parseInstant } from "../../core/instant.ts";
import { limits } from "../../core/limits.ts";
import type { AccountingLog } from "../../ports/accounting-log.ts";
import {
  AuditPlaces,
  type AuditStream,
  eventPlace,
  hourOf,
  shardListPartition,
  shardOf,
  shardPartition,
  timeOf,
} from "./audit-places.ts";
import { AuditReader } from "./dynamo-audit-reader.ts";
import type { Place } from "./dynamo-expressions.ts";
import type { DynamoTable } from "./dynamo-table.ts";

export interface AuditIndexOptions {
  readonly table: DynamoTable;
  /** How long events stay; for ever by default. */
  readonly retentionMs?: number | undefined;
  /** In place of limits.auditSettleMs, for a single writer. */
  readonly settleMs?: number | undefined;
}

/** The accounting record as it can be searched. */
export interface AuditIndex extends Pick<AccountingLog, "append" | "query" | "find"> {
  /** As `append` of each: those that are known change nothing. @throws FileError when one of them is not kept */
  put(events: readonly AccountingEvent[]): Promise<void>;
}

/**
 * The audit index in DynamoDB. Events stand in it in the order in which they were put there, which is not that of
 * their times: they come over a bus that keeps no order. `find` and a newest-first `query` see what `append` has
 * resolved for; a query from old to new, limits.auditSettleMs later.
 */
export function createDynamoAuditIndex(options: AuditIndexOptions): AuditIndex {
  const writer = new AuditWriter(options);
  const { table, settleMs = limits.auditSettleMs } = options;
  const reader = new AuditReader(table, settleMs);
  return {
    append: (event) => writer.put([event]),
    put: (events) => writer.put(events),
    query: (query) => reader.query(query),
    find: async (eventId) => {
      const item = await table.get(eventPlace(eventId));
      return item && item.pending === undefined ? (JSON.parse(String(item.json)) as AccountingEvent) : undefined;
    },
  };
}

interface IndexEntry {
  readonly event: AccountingEvent;
  readonly json: string;
  readonly place: string;
  readonly streams: readonly AuditStream[];
}

class AuditWriter {
  readonly #table: DynamoTable;
  readonly #retentionMs: number | undefined;
  readonly #places: AuditPlaces;
  /** Hours that a shard is known to remember; it spares nearly every event a write. */
  readonly #remembered = new Set<string>();

  constructor({ table, retentionMs }: AuditIndexOptions) {
    this.#table = table;
    this.#retentionMs = retentionMs;
    this.#places = new AuditPlaces(() => table.now());
  }

  async put(events: readonly AccountingEvent[]): Promise<void> {
    const known = new Map(events.map((event) => [event.id, event]));
    // The first of the same id stands.
    for (const event of events.toReversed()) known.set(event.id, event);
    const waiting = [...known.values()];
    const work = async () => {
      for (let event = waiting.shift(); event !== undefined; event = waiting.shift()) await this.#put(event);
    };
    await Promise.all(Array.from({ length: limits.auditWrites }, work));
  }

  async #put(event: AccountingEvent): Promise<void> {
    const json = JSON.stringify(event);
    if (Buffer.byteLength(json) > limits.eventBytes) {
      throw new FileError("invalid-argument", "the accounting event is too large");
    }
    const place = this.#places.next(event.id);
    const entry: IndexEntry = { event, json, place, streams: streamsOf(event) };
    if (!(await this.#reserve(entry))) return;
    for (const stream of entry.streams) await this.#rememberHour(stream, entry);
    const leftMs = timeOf(place) + limits.auditWriteMs - this.#table.now();
    if (leftMs <= 0) throw beingWritten();
    const expiresAt = this.#expiry();
    await Promise.all(
      entry.streams.map((stream) =>
        this.#table.put({ ...streamPlace(place, stream), json, expiresAt }, undefined, leftMs),
      ),
    );
    await this.#table.update(eventPlace(event.id), { change: "REMOVE #pending" });
  }

  /**
   * Gives the event its place; until it stands there it is pending, and nobody finds it. Whoever comes upon a pending
   * event of a writer that must have given up takes it over, at a place of its own.
   * @returns false for an event that is there
   */
  async #reserve({ event, json, place, streams }: IndexEntry): Promise<boolean> {
    const at = eventPlace(event.id);
    if (await this.#table.putNew({ ...at, json, place, pending: true, expiresAt: this.#expiry() })) return true;
    const known = await this.#table.get(at);
    if (known?.pending === undefined) return false;
    const former = String(known.place);
    if (timeOf(former) > this.#table.now() - limits.auditSettleMs) throw beingWritten();
    const { applied } = await this.#table.update(at, {
      change: "SET #place = :place",
      condition: "#place = :former AND attribute_exists(#pending)",
      values: { place, former },
    });
    if (!applied) throw beingWritten();
    for (const stream of streams) await this.#table.remove(streamPlace(former, stream));
    return true;
  }

  /** Before the event, so that whoever looks for its time finds the shard. */
  async #rememberHour(stream: AuditStream, { place, event }: IndexEntry): Promise<void> {
    const hour = hourOf(parseInstant(event.time) ?? 0);
    const shard = { pk: shardListPartition(stream), sk: shardOf(place, stream) };
    const memory = `${shard.pk} ${shard.sk} ${hour}`;
    if (this.#remembered.has(memory)) return;
    const expiresAt = this.#expiry(longestShardMs);
    await this.#table.update(shard, {
      change: `ADD #hours :hour${expiresAt === undefined ? "" : " SET #expiresAt = :expiresAt"}`,
      values: { hour: new Set([hour]), ...(expiresAt !== undefined && { expiresAt }) },
    });
    if (this.#remembered.size >= rememberedHours) this.#remembered.clear();
    this.#remembered.add(memory);
  }

  #expiry(beyondMs = 0): number | undefined {
    if (this.#retentionMs === undefined) return undefined;
    return this.#table.expiryAt(this.#table.now() + this.#retentionMs + beyondMs);
  }
}

/** A shard is known at least as long as the last of its events. */
const longestShardMs = 24 * 60 * 60 * 1000;
const rememberedHours = 10_000;

function streamsOf({ account }: AccountingEvent): readonly AuditStream[] {
  return account ? [undefined, { account: account.name }] : [undefined];
}

function streamPlace(place: string, stream: AuditStream): Place {
  return { pk: shardPartition(shardOf(place, stream), stream), sk: place };
}

function beingWritten(): FileError {
  return new FileError("unavailable", "the event is being put into the audit index by somebody else");
}
