import { createEventBridgeClient } from "../../adapters/aws/clients.ts";
import { createDynamoAuditIndex } from "../../adapters/aws/dynamo-audit-index.ts";
import type { DynamoTable } from "../../adapters/aws/dynamo-table.ts";
import { createEventBridgeAccountingLog } from "../../adapters/aws/eventbridge-accounting-log.ts";
import type { AccountingLog } from "../../ports/accounting-log.ts";

export interface RecordOptions {
  readonly table: DynamoTable;
  readonly eventBus: string;
  /** Names this process in the record of transfers. */
  readonly owner: string;
}

/** The accounting record: events go to the bus, and are read from the audit index. */
export function openRecord({ table, eventBus, owner }: RecordOptions): AccountingLog {
  return createEventBridgeAccountingLog({
    client: createEventBridgeClient(),
    eventBus,
    table,
    owner,
    // The gateway ends what dead owners left.
    isOwnerAlive: async () => true,
    index: createDynamoAuditIndex({ table }),
  });
}
