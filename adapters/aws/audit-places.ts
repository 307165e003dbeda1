import { createHash } from "node:crypto";
import { limits } from "../../core/limits.ts";
import type { Place } from "./dynamo-expressions.ts";
import { partitions } from "./env.ts";

/** All events, or those of one account. */
export type AuditStream = { readonly account: string } | undefined;

/**
 * Where an event stands in the audit index: the time at which it was put there, a number that tells events of one
 * millisecond apart, and what its id makes of it. Texts are in the order of the places. The time alone is in front of
 * every place of that time.
 */
const placeForm = /^\d{15}(\.\d{4}#[\x21-\x7e]+)?$/;

const msDigits = 15;
const countDigits = 4;
const hourLength = "2026-11-26T13".length;
const dayLength = "2026-11-26".length;

/** Makes places, each behind the one before. */
export class AuditPlaces {
  readonly #now: () => number;
  #lastMs = 0;
  #count = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  next(eventId: string): string {
    const nowMs = this.#now();
    const isSame = nowMs <= this.#lastMs && this.#count < 10 ** countDigits - 1;
    this.#count = isSame ? this.#count + 1 : 0;
    if (!isSame) this.#lastMs = Math.max(nowMs, this.#lastMs + 1);
    const count = String(this.#count).padStart(countDigits, "0");
    return `${placeAt(this.#lastMs)}.${count}#${idText(eventId)}`;
  }
}

/** In front of every place of that time and later ones. */
export function placeAt(ms: number): string {
  return String(Math.max(0, Math.floor(ms))).padStart(msDigits, "0");
}

export function isAuditPlace(text: string): boolean {
  return placeForm.test(text);
}

/** When the place was made, milliseconds since the epoch. */
export function timeOf(place: string): number {
  return Number(place.slice(0, msDigits));
}

/** The shard of a stream that the place belongs to: an hour of all events, a day of an account's. */
export function shardOf(place: string, stream: AuditStream): string {
  return shardAt(timeOf(place), stream);
}

export function shardAt(ms: number, stream: AuditStream): string {
  return new Date(ms).toISOString().slice(0, stream ? dayLength : hourLength);
}

/** The hour in which an event happened, as shards remember it. */
export function hourOf(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, hourLength);
}

function streamName(stream: AuditStream): string {
  return stream ? `account#${stream.account}` : "all";
}

/** What says which shards a stream has. */
export function shardListPartition(stream: AuditStream): string {
  return `${partitions.audit}shards#${streamName(stream)}`;
}

export function shardPartition(shard: string, stream: AuditStream): string {
  return `${partitions.audit}events#${shard}#${streamName(stream)}`;
}

/** What says that the event is there. */
export function eventPlace(eventId: string): Place {
  return { pk: `${partitions.audit}id#${idText(eventId)}`, sk: "event" };
}

function idText(eventId: string): string {
  const isPlain = Buffer.byteLength(eventId) <= limits.auditIdBytes && /^[\x21-\x7e]+$/.test(eventId);
  return isPlain ? eventId : `sha256:${createHash("sha256").update(eventId).digest("hex")}`;
}
