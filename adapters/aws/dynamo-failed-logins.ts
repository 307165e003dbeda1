import { randomUUID } from "node:crypto";
import { FileError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import { clientNetworkOf } from "../../core/source-address.ts";
import type { FailedLogins } from "../../ports/failed-logins.ts";
import type { Place } from "./dynamo-expressions.ts";
import type { DynamoTable } from "./dynamo-table.ts";
import { partitions } from "./env.ts";

/** Failed logins of all instances of a function: an item for each network, which is forgotten when its time is over. */
export function createDynamoFailedLogins(table: DynamoTable): FailedLogins {
  return {
    waitMs: async (address, nowMs) => {
      const item = await table.get(placeOf(address));
      const leftMs = item ? Number(item.sinceMs) + limits.failedLoginsMs - nowMs : 0;
      return Number(item?.count ?? 0) < limits.failedLogins ? 0 : Math.max(0, leftMs);
    },
    add: async (address, nowMs) => {
      const place = placeOf(address);
      const values = { overMs: nowMs - limits.failedLoginsMs };
      for (let attempt = 0; attempt < limits.dynamoTransactionTries; attempt += 1) {
        const counted = { change: "ADD #count :one", condition: "#sinceMs > :overMs", values: { ...values, one: 1 } };
        if ((await table.update(place, counted)).applied) return;
        const expiresAt = table.expiryAt(nowMs + limits.failedLoginsMs);
        // Two that begin in the same millisecond are not one: an item that is there exactly so counts as put.
        const first = { ...place, sinceMs: nowMs, count: 1, begunBy: randomUUID(), expiresAt };
        const isFree = { expression: "attribute_not_exists(#pk) OR #sinceMs <= :overMs", values };
        if (await table.put(first, isFree)) return;
      }
      throw new FileError("unavailable", "the failed login cannot be counted");
    },
  };
}

function placeOf(address: string): Place {
  return { pk: `${partitions.failedLogins}${clientNetworkOf(address)}`, sk: "count" };
}
