import { createLambdaClient } from "../../adapters/aws/clients.ts";
import { createDynamoPullMemory } from "../../adapters/aws/dynamo-pull-memory.ts";
import { createDynamoPushQueue } from "../../adapters/aws/dynamo-push-queue.ts";
import type { DynamoTable } from "../../adapters/aws/dynamo-table.ts";
import { createDynamoTransferBoard } from "../../adapters/aws/dynamo-transfer-board.ts";
import { createFunctionCall } from "../../adapters/aws/function-call.ts";
import { cronCalendar } from "../../adapters/node/cron-calendar.ts";
import { CalledTransferDesk } from "../../service/destinations/called-transfer-desk.ts";
import type { TransferDesk } from "../../service/destinations/transfer-desk.ts";
import { runtime } from "./operator-log.ts";
import type { FunctionServices } from "./session-services.ts";

/** @param functionName of the function that pushes and pulls; without it a pull waits for its schedule */
export function openTransferDesk(
  table: DynamoTable,
  { configuration }: FunctionServices,
  functionName: string | undefined,
): TransferDesk {
  const client = createLambdaClient();
  return new CalledTransferDesk({
    refresh: () => configuration.refresh(),
    destinations: () => configuration.current().destinations,
    pulls: () => configuration.current().pulls,
    queue: createDynamoPushQueue(table),
    memory: createDynamoPullMemory(table),
    board: createDynamoTransferBoard(table),
    calendar: cronCalendar,
    runtime,
    call: functionName === undefined ? async () => {} : createFunctionCall({ client, functionName }),
  });
}
