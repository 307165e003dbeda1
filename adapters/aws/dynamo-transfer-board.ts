import { limits } from "../../core/limits.ts";
import type { TransferBoard, TransferStanding } from "../../ports/transfer-board.ts";
import type { Item, Place } from "./dynamo-expressions.ts";
import type { DynamoTable } from "./dynamo-table.ts";
import { partitions } from "./env.ts";

const standings = `${partitions.automation}transfers`;
const asks = `${partitions.automation}pull-asks`;

/** An item for each destination about which something was told, and one for each pull that is to look. */
export function createDynamoTransferBoard(table: DynamoTable): TransferBoard {
  const place = (destination: string): Place => ({ pk: standings, sk: destination });
  return {
    tell: async (destination, standing) => {
      const expiresAt = table.expiryAt(table.now() + limits.claimRetentionMs);
      await table.put({ ...place(destination), json: JSON.stringify(standing), expiresAt });
    },
    standing: async (destination) => {
      const item = await table.get(place(destination));
      return item && standingOf(item);
    },
    standings: async () => {
      const items = await table.all({ partition: standings });
      return new Map(items.map((item) => [item.sk, standingOf(item)]));
    },
    ask: async (pull) => {
      await table.put({ pk: asks, sk: pull, expiresAt: table.expiryAt(table.now() + limits.pullAskMs) });
    },
    asked: async () => new Set((await table.all({ partition: asks })).map(({ sk }) => sk)),
    answer: async (pull) => {
      await table.remove({ pk: asks, sk: pull });
    },
  };
}

function standingOf({ json }: Item): TransferStanding {
  return JSON.parse(String(json));
}
