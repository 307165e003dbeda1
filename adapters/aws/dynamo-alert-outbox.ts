import { setTimeout } from "node:timers/promises";
import type { AccountingEvent } from "../../core/accounting-event.ts";
import type { AlertLane, AlertTarget } from "../../core/alert-rule.ts";
import { FileError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import type { AlertDelivery, AlertOutbox, PendingDeliveries, PlacedDelivery } from "../../ports/alert-outbox.ts";
import type { Item, Place } from "./dynamo-expressions.ts";
import type { DynamoTable, Write } from "./dynamo-table.ts";
import { partitions } from "./env.ts";

const lanesPartition = `${partitions.automation}alerts#lanes`;

/** The counter of a lane takes one place in a transaction, and each delivery two. */
const deliveriesAtOnce = Math.floor((limits.dynamoTransactionItems - 1) / 2);

/**
 * What is yet to be told. A lane numbers its deliveries without gaps: the counter and the deliveries change in one
 * transaction, so that whoever has read a lane up to a position has seen all that will ever be before it.
 */
export function createDynamoAlertOutbox(table: DynamoTable): AlertOutbox {
  return new DynamoAlertOutbox(table);
}

class DynamoAlertOutbox implements AlertOutbox {
  readonly #table: DynamoTable;
  /**
   * What this process adds to a lane it adds in turn: transactions on one counter would only get in each other's way.
   */
  readonly #adding = new Map<string, Promise<void>>();

  constructor(table: DynamoTable) {
    this.#table = table;
  }

  async add(deliveries: readonly AlertDelivery[]): Promise<void> {
    const lanes = Map.groupBy(deliveries, ({ lane }) => laneName(lane));
    await Promise.all([...lanes].map(([name, ofLane]) => this.#addInTurn(name, ofLane)));
  }

  async lanes(): Promise<readonly AlertLane[]> {
    const lanes = await this.#table.all({ partition: lanesPartition });
    return lanes.filter(({ last, gone }) => Number(gone) < Number(last)).map(({ sk }) => laneOf(sk));
  }

  async pending(lane: AlertLane, limit: number): Promise<PendingDeliveries> {
    const partition = lanePartition(lane);
    const [first, [last]] = await Promise.all([
      this.#table.all({ partition, limit }),
      this.#table.all({ partition, limit: 1, descending: true }),
    ]);
    const placed = first.map((item) => deliveryOf(lane, item));
    const newest = last && deliveryOf(lane, last);
    const [oldest] = placed;
    return { first: placed, last: newest, count: oldest && newest ? newest.position - oldest.position + 1 : 0 };
  }

  async settle(lane: AlertLane, position: number): Promise<void> {
    const expiresAt = this.#table.expiryAt(this.#table.now() + limits.alertRetentionMs);
    await this.#clear(lane, position, ({ id }) => ({ put: { ...knownPlace(String(id)), expiresAt } }));
  }

  async withdraw(lane: AlertLane, position: number): Promise<void> {
    await this.#clear(lane, position, ({ id }) => ({ remove: knownPlace(String(id)) }));
  }

  async close(): Promise<void> {}

  async #addInTurn(name: string, deliveries: readonly AlertDelivery[]): Promise<void> {
    const before = this.#adding.get(name) ?? Promise.resolve();
    const added = before.catch(() => {}).then(() => this.#addToLane(deliveries));
    this.#adding.set(name, added);
    await added.finally(() => {
      if (this.#adding.get(name) === added) this.#adding.delete(name);
    });
  }

  async #addToLane(deliveries: readonly AlertDelivery[]): Promise<void> {
    let left = [...new Map(deliveries.map((delivery) => [delivery.id, delivery])).values()];
    for (let tries = 0; tries < limits.dynamoTransactionTries; ) {
      const known = await this.#table.getMany(left.map(({ id }) => knownPlace(id)));
      const knownIds = new Set(known.map(({ pk }) => pk));
      left = left.filter(({ id }) => !knownIds.has(knownPlace(id).pk));
      const [head, ...others] = left.slice(0, deliveriesAtOnce);
      if (!head) return;
      if (await this.#append(head.lane, [head, ...others])) continue;
      tries += 1;
      await setTimeout(Math.random() * limits.dynamoBatchRetryMs * tries);
    }
    throw new FileError("unavailable", "too many alerts are being noted for one rule at the same time");
  }

  /** False when the lane has grown meanwhile, or a delivery is known by now. */
  async #append(lane: AlertLane, deliveries: readonly AlertDelivery[]): Promise<boolean> {
    const place = lanePlace(lane);
    const counter = await this.#table.get(place);
    const last = Number(counter?.last ?? 0);
    const gone = Number(counter?.gone ?? 0);
    const unchanged = { expression: "#last = :last AND #gone = :gone", values: { last, gone } };
    const grown = { ...place, last: last + deliveries.length, gone };
    const writes = deliveries.flatMap((delivery, index): Write[] => [
      { put: itemOf(delivery, last + index + 1) },
      { put: { ...knownPlace(delivery.id) }, condition: this.#table.absent() },
    ]);
    return this.#table.transact([{ put: grown, condition: counter ? unchanged : this.#table.absent() }, ...writes]);
  }

  /** What is known of a delivery changes before it goes: a crash in between tells it once more, and loses nothing. */
  async #clear(
    lane: AlertLane,
    position: number,
    known: (item: Item) => { readonly put: Item } | { readonly remove: Place },
  ): Promise<void> {
    const partition = lanePartition(lane);
    const cleared = await this.#table.all({ partition, between: [sortOf(0), sortOf(position)] });
    const last = cleared.at(-1);
    if (!last) return;
    await this.#table.writeMany(cleared.map(known));
    await this.#table.writeMany(cleared.map(({ pk, sk }) => ({ remove: { pk, sk } })));
    const forward = { change: "SET #gone = :gone", condition: "#gone < :gone", values: { gone: Number(last.sk) } };
    await this.#table.update(lanePlace(lane), forward);
  }
}

function itemOf({ id, lane, event, acceptedAtMs }: AlertDelivery, position: number): Item {
  return { pk: lanePartition(lane), sk: sortOf(position), id, acceptedAtMs, json: JSON.stringify(event) };
}

function deliveryOf(lane: AlertLane, { sk, id, acceptedAtMs, json }: Item): PlacedDelivery {
  const event = JSON.parse(String(json)) as AccountingEvent;
  return { id: String(id), lane, event, acceptedAtMs: Number(acceptedAtMs), position: Number(sk) };
}

function lanePlace(lane: AlertLane): Place {
  return { pk: lanesPartition, sk: laneName(lane) };
}

function lanePartition(lane: AlertLane): string {
  return `${partitions.automation}alerts#lane#${laneName(lane)}`;
}

function knownPlace(id: string): Place {
  return { pk: `${partitions.automation}alerts#known#${id}`, sk: "delivery" };
}

function laneName({ target, rule }: AlertLane): string {
  return `${target}#${rule}`;
}

function laneOf(name: string): AlertLane {
  const end = name.indexOf("#");
  return { target: name.slice(0, end) as AlertTarget, rule: name.slice(end + 1) };
}

/** Text in the order of the numbers. */
function sortOf(position: number): string {
  return String(position).padStart(String(Number.MAX_SAFE_INTEGER).length, "0");
}
