import { limits } from "../../core/limits.ts";
import type { Lease, Leases } from "../../ports/leases.ts";
import type { Item, Place } from "./dynamo-expressions.ts";
import type { DynamoTable } from "./dynamo-table.ts";
import { partitions } from "./env.ts";

/**
 * Leases as items of the one table, a partition a group: `owner` has the item's name until `endsAtMs`. The table's own
 * time to live only clears them away.
 */
export function createDynamoLeases({ table }: { readonly table: DynamoTable }): Leases {
  return {
    take: ({ group, name, owner, leaseMs }) => {
      const nowMs = table.now();
      const endsAtMs = nowMs + leaseMs;
      const item = {
        ...placeOf(group, name),
        owner,
        endsAtMs,
        expiresAt: table.expiryAt(endsAtMs + limits.leaseTraceMs),
      };
      const expression = "attribute_not_exists(#pk) OR #endsAtMs <= :nowMs OR #owner = :owner";
      return table.put(item, { expression, values: { nowMs, owner } });
    },
    find: async (group, name) => {
      const item = await table.get(placeOf(group, name));
      return item && leaseOf(item, table.now());
    },
    list: async (group) => {
      const leases: Lease[] = [];
      for await (const item of table.query({ partition: partitionOf(group) })) {
        const lease = leaseOf(item, table.now());
        if (lease) leases.push(lease);
      }
      return leases;
    },
    release: async (group, name, owner) => {
      await table.remove(placeOf(group, name), { expression: "#owner = :owner", values: { owner } });
    },
  };
}

function partitionOf(group: string): string {
  return `${partitions.leases}${group}`;
}

function placeOf(group: string, name: string): Place {
  return { pk: partitionOf(group), sk: name };
}

function leaseOf({ sk, owner, endsAtMs }: Item, nowMs: number): Lease | undefined {
  const isHeld = typeof owner === "string" && typeof endsAtMs === "number" && endsAtMs > nowMs;
  return isHeld ? { name: sk, owner, endsAtMs } : undefined;
}
