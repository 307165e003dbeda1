import { limits } from "../../core/limits.ts";
import type { VouchedAccount, VouchedAccounts } from "../../ports/vouched-accounts.ts";
import type { Item } from "./dynamo-expressions.ts";
import type { DynamoTable } from "./dynamo-table.ts";
import { partitions } from "./env.ts";

const partition = `${partitions.vouched}accounts`;

/** Vouched accounts, each under its name. `find` spares a function that is asked about one account the others. */
export function createDynamoVouchedAccounts(
  table: DynamoTable,
): VouchedAccounts & { find(name: string): Promise<VouchedAccount | undefined> } {
  let lastKeptMs = 0;
  const holds = (account: VouchedAccount) => account.expiresAtMs > table.now();
  return {
    find: async (name) => {
      const item = await table.get({ pk: partition, sk: name });
      const account = item && accountOf(item);
      return account && holds(account) ? account : undefined;
    },
    load: async () => {
      const items = [...(await table.all({ partition }))].sort((a, b) => Number(a.keptMs) - Number(b.keptMs));
      return items.map(accountOf).filter(holds).slice(-limits.externalAccounts);
    },
    keep: async ({ name, external, expiresAtMs }) => {
      // Logins within a millisecond keep their order.
      lastKeptMs = Math.max(table.now(), lastKeptMs + 1);
      const expiresAt = table.expiryAt(expiresAtMs);
      const json = JSON.stringify(external);
      await table.put({ pk: partition, sk: name, json, expiresAtMs, keptMs: lastKeptMs, expiresAt });
    },
  };
}

function accountOf({ sk, json, expiresAtMs }: Item): VouchedAccount {
  return { name: sk, external: JSON.parse(String(json)), expiresAtMs: Number(expiresAtMs) };
}
