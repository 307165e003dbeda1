import type { AccountingEvent } from "../../core/accounting-event.ts";
import { limits } from "../../core/limits.ts";
import type { HeldEvents } from "../../ports/store-scan.ts";
import type { DynamoTable } from "./dynamo-table.ts";
import { partitions } from "./env.ts";

/** Held events as items, a partition an object. They go by themselves when no queue would deliver them any more. */
export function createDynamoHeldEvents(table: DynamoTable): HeldEvents {
  return {
    hold: async (objectKey, event) => {
      const expiresAt = table.expiryAt(table.now() + limits.heldEventMs);
      await table.put({ pk: partitionOf(objectKey), sk: event.id, json: JSON.stringify(event), expiresAt });
    },
    heldFor: async (objectKey) => {
      const items = await table.all({ partition: partitionOf(objectKey) });
      return items.map(({ json }): AccountingEvent => JSON.parse(String(json)));
    },
    forget: async (objectKey, eventId) => {
      await table.remove({ pk: partitionOf(objectKey), sk: eventId });
    },
  };
}

function partitionOf(objectKey: string): string {
  return `${partitions.automation}held#${objectKey}`;
}
