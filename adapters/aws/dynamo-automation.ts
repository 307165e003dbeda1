import { FileError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import type { Claim, Claims } from "../../ports/claims.ts";
import type { ConsumerPositions } from "../../ports/consumer-positions.ts";
import type { DeadLetter, DeadLetters } from "../../ports/dead-letters.ts";
import type { Item, Place } from "./dynamo-expressions.ts";
import type { DynamoTable } from "./dynamo-table.ts";
import { partitions } from "./env.ts";

const deadLettersPartition = `${partitions.automation}dead-letters`;

/** How far consumers came: one item each. */
export function createDynamoConsumerPositions(table: DynamoTable): ConsumerPositions {
  const place = (consumer: string): Place => ({ pk: `${partitions.automation}positions`, sk: consumer });
  return {
    load: async (consumer) => {
      const item = await table.get(place(consumer));
      return item && Number(item.position);
    },
    save: async (consumer, position) => {
      await table.put({ ...place(consumer), position });
    },
  };
}

/**
 * Claims by conditional writes. A claim is forgotten limits.claimRetentionMs after it was last taken, unless its event
 * is among the dead letters: {@link createDynamoDeadLetters} sees to that.
 */
export function createDynamoClaims(table: DynamoTable): Claims {
  const owned = "#owner = :owner AND attribute_not_exists(#completedMs)";
  const change = async (id: string, owner: string, { set, values }: { set: string; values: object }) => {
    const update = { change: `SET ${set}`, condition: owned, values: { owner, ...values } };
    return table.update(claimPlace(id), update);
  };
  return {
    claim: async (request) => {
      const place = claimPlace(request.id);
      const outcome = await table.update(place, takingOver(table, request));
      const isForgotten = !outcome.applied && (await table.removeExpired(place));
      return claimOf(isForgotten ? await table.update(place, takingOver(table, request)) : outcome);
    },
    annotate: async (id, owner, note) => {
      assertOwned((await change(id, owner, { set: "#note = :note", values: { note } })).applied);
    },
    complete: async (id, owner, result) => {
      const values = { result, nowMs: table.now() };
      const { applied, item } = await change(id, owner, { set: "#note = :result, #completedMs = :nowMs", values });
      // The answer to an earlier attempt of the same owner may have been lost.
      assertOwned(applied || (item?.owner === owner && item.note === result));
    },
    release: async (id, owner) => {
      await table.update(claimPlace(id), { change: "REMOVE #owner", condition: owned, values: { owner } });
    },
  };
}

function takingOver(table: DynamoTable, { owner, leaseMs }: { owner: string; leaseMs: number }) {
  const nowMs = table.now();
  const leaseEndsMs = nowMs + leaseMs;
  const free = "attribute_not_exists(#owner) OR #owner = :owner OR #leaseEndsMs <= :nowMs";
  const known = "attribute_not_exists(#expiresAt) OR #expiresAt > :nowSeconds";
  return {
    change: "SET #owner = :owner, #leaseEndsMs = :leaseEndsMs, #expiresAt = :expiresAt",
    condition: `attribute_not_exists(#completedMs) AND (${free}) AND (${known})`,
    values: {
      owner,
      nowMs,
      nowSeconds: Math.floor(nowMs / 1000),
      leaseEndsMs,
      expiresAt: table.expiryAt(leaseEndsMs + limits.claimRetentionMs),
    },
  };
}

function claimOf({ applied, item }: { readonly applied: boolean; readonly item: Item | undefined }): Claim {
  const note = item?.note === undefined ? undefined : String(item.note);
  if (applied) return { state: "claimed", note };
  return item?.completedMs === undefined ? { state: "busy" } : { state: "completed", note: note ?? "" };
}

function assertOwned(isOwned: boolean): void {
  if (!isOwned) throw new FileError("unavailable", "the work was taken over by another owner");
}

/** Claims of one event stand together: their ids begin with that of its dead letter and a slash. */
function claimPlace(id: string): Place {
  const slash = id.indexOf("/");
  const cause = slash < 0 ? id : id.slice(0, slash);
  return { pk: claimsPartition(cause), sk: slash < 0 ? "/" : id.slice(slash) };
}

function claimsPartition(cause: string): string {
  return `${partitions.automation}claims#${cause}`;
}

/**
 * Dead letters in one partition, which gives their order. As long as a letter is there, the claims of its event are
 * kept, so that a replay does nothing a second time.
 */
export function createDynamoDeadLetters(table: DynamoTable): DeadLetters {
  const place = (id: string): Place => ({ pk: deadLettersPartition, sk: id });
  return {
    put: async (letter) => {
      for await (const { pk, sk } of table.query({ partition: claimsPartition(letter.id) })) {
        await table.update({ pk, sk }, { change: "REMOVE #expiresAt" });
      }
      await table.put({ ...place(letter.id), json: JSON.stringify(letter) });
    },
    find: async (id) => {
      const item = await table.get(place(id));
      return item && letterOf(item);
    },
    list: async ({ after, limit }) => {
      if (!Number.isInteger(limit) || limit < 1 || limit > limits.deadLetterPageEntries) {
        const message = `a page has 1 to ${limits.deadLetterPageEntries} dead letters`;
        throw new FileError("invalid-argument", message, { field: "limit" });
      }
      const query = { partition: deadLettersPartition, after, limit: limit + 1 };
      const letters = (await table.all(query)).map(letterOf);
      const page = letters.slice(0, limit);
      return { letters: page, next: letters.length > limit ? page.at(-1)?.id : undefined };
    },
    remove: async (id) => {
      await table.remove(place(id));
      const expiresAt = table.expiryAt(table.now() + limits.claimRetentionMs);
      for await (const { pk, sk } of table.query({ partition: claimsPartition(id) })) {
        await table.update({ pk, sk }, { change: "SET #expiresAt = :expiresAt", values: { expiresAt } });
      }
    },
  };
}

function letterOf({ json }: Item): DeadLetter {
  return JSON.parse(String(json));
}
