import { FileError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import type { PushQueue, QueuedPush } from "../../ports/push-queue.ts";
import type { Item, Place } from "./dynamo-expressions.ts";
import type { DynamoTable, Write } from "./dynamo-table.ts";
import { partitions } from "./env.ts";

const queue = `${partitions.automation}pushes`;
const counter: Place = { pk: `${queue}#counter`, sk: "position" };
const positionDigits = 16;

/** A push as the list of all of them has it. */
interface ListedPush {
  readonly position: number;
  readonly destination: string;
  readonly eventId: string;
}

/**
 * Pushes as three items each: in the list of all, in the queue of the destination, and under the event, which says
 * whether one waits already. They change together in transactions. A look at a destination reads all that waits there.
 */
export function createDynamoPushQueue(table: DynamoTable): PushQueue {
  return {
    add: async (destination, event) => {
      const json = JSON.stringify(event);
      for (let attempt = 0; attempt < limits.dynamoTransactionTries; attempt += 1) {
        const known = await table.get(eventPlace({ destination, eventId: event.id }));
        const push = { position: await nextPosition(table), destination, eventId: event.id };
        if (await table.transact([...addingWrites(push, json, known), ...withdrawal(push, known)])) return;
      }
      throw new FileError("unavailable", "the push is being queued by somebody else");
    },
    waiting: async () => {
      const listed = (await table.all({ partition: queue })).map(listedOf);
      const byDestination = Map.groupBy(listed, ({ destination }) => destination);
      return [...byDestination].map(([destination, pushes]) => ({ destination, count: pushes.length }));
    },
    first: async (destination, limit) => {
      const pushes = (await table.all({ partition: lanePartition(destination) })).map((item) =>
        queuedOf(destination, item),
      );
      return pushes.sort((a, b) => a.dueAtMs - b.dueAtMs || a.position - b.position).slice(0, limit);
    },
    postpone: async (position, { attempts, dueAtMs }) => {
      const item = await table.get(listPlace(position));
      if (!item) return;
      await table.update(lanePlace(listedOf(item)), {
        change: "SET #attempts = :attempts, #dueAtMs = :dueAtMs",
        condition: "attribute_exists(#pk)",
        values: { attempts, dueAtMs },
      });
    },
    settle: async (position) => {
      for (let attempt = 0; attempt < limits.dynamoTransactionTries; attempt += 1) {
        const item = await table.get(listPlace(position));
        if (!item || (await table.transact(settlingWrites(listedOf(item))))) return;
      }
      throw new FileError("unavailable", "the push is being queued by somebody else");
    },
  };
}

function addingWrites(push: ListedPush, json: string, known: Item | undefined): readonly Write[] {
  const { position, destination, eventId } = push;
  const condition = known
    ? { expression: "#position = :known", values: { known: known.position } }
    : { expression: "attribute_not_exists(#pk)" };
  return [
    { put: { ...eventPlace(push), position }, condition },
    { put: { ...listPlace(position), destination, eventId } },
    { put: { ...lanePlace(push), json, attempts: 0, dueAtMs: 0 } },
  ];
}

/** Takes out what waits for the same event. */
function withdrawal(push: ListedPush, known: Item | undefined): readonly Write[] {
  if (!known) return [];
  const former = { ...push, position: Number(known.position) };
  return [{ remove: listPlace(former.position) }, { remove: lanePlace(former) }];
}

function settlingWrites(push: ListedPush): readonly Write[] {
  const { position } = push;
  const condition = { expression: "#position = :position", values: { position } };
  return [{ remove: eventPlace(push), condition }, { remove: listPlace(position) }, { remove: lanePlace(push) }];
}

async function nextPosition(table: DynamoTable): Promise<number> {
  const { item } = await table.update(counter, { change: "ADD #position :one", values: { one: 1 } });
  return Number(item?.position);
}

function positionText(position: number): string {
  return String(position).padStart(positionDigits, "0");
}

function listPlace(position: number): Place {
  return { pk: queue, sk: positionText(position) };
}

function lanePartition(destination: string): string {
  return `${queue}#lane#${destination}`;
}

function lanePlace({ destination, position }: ListedPush): Place {
  return { pk: lanePartition(destination), sk: positionText(position) };
}

function eventPlace({ destination, eventId }: Omit<ListedPush, "position">): Place {
  return { pk: `${queue}#event#${destination}#${eventId}`, sk: "push" };
}

function listedOf({ sk, destination, eventId }: Item): ListedPush {
  return { position: Number(sk), destination: String(destination), eventId: String(eventId) };
}

function queuedOf(destination: string, { sk, json, attempts, dueAtMs }: Item): QueuedPush {
  const event = JSON.parse(String(json));
  return { position: Number(sk), destination, event, attempts: Number(attempts), dueAtMs: Number(dueAtMs) };
}
