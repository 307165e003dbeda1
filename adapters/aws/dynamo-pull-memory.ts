import { createHash } from "node:crypto";
import { limits } from "../../core/limits.ts";
import type { PullMemory, PullRun } from "../../ports/pull-memory.ts";
import type { Item, Place } from "./dynamo-expressions.ts";
import type { DynamoTable } from "./dynamo-table.ts";
import { partitions } from "./env.ts";

/** How much sooner than asked for an id may be forgotten, so that asking seldom costs a write. */
const slackMs = 24 * 60 * 60 * 1000;

/** What pulls remember: an item for each id, under its digest, and one for the last look of each pull. */
export function createDynamoPullMemory(table: DynamoTable): PullMemory {
  const runPlace = (pull: string): Place => ({ pk: `${partitions.automation}pull-runs`, sk: pull });
  const expiry = () => table.expiryAt(table.now() + limits.claimRetentionMs + slackMs);
  const isFresh = ({ expiresAt = 0 }: Item) => expiresAt >= table.expiryAt(table.now() + limits.claimRetentionMs);
  return {
    known: async (pull, ids) => {
      const items = await table.getMany(ids.map((id) => idPlace(pull, id)));
      const stale = items.filter((item) => !isFresh(item));
      await table.writeMany(stale.map(({ pk, sk }) => ({ put: { pk, sk, expiresAt: expiry() } })));
      const found = new Set(items.map(({ sk }) => sk));
      return new Set(ids.filter((id) => found.has(digestOf(id))));
    },
    remember: async (pull, id) => {
      await table.put({ ...idPlace(pull, id), expiresAt: expiry() });
    },
    putRun: async (pull, run) => {
      await table.put({ ...runPlace(pull), json: JSON.stringify(run) });
    },
    run: async (pull) => {
      const item = await table.get(runPlace(pull));
      return item && (JSON.parse(String(item.json)) as PullRun);
    },
  };
}

function idPlace(pull: string, id: string): Place {
  return { pk: `${partitions.automation}pulled#${pull}`, sk: digestOf(id) };
}

/** Ids have names of files in them, which may be longer than DynamoDB takes. */
function digestOf(id: string): string {
  return createHash("sha256").update(id).digest("base64url");
}
