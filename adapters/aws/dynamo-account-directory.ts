import type { Account } from "../../core/account.ts";
import { ConfigurationError } from "../../core/configuration-error.ts";
import { limits } from "../../core/limits.ts";
import type { AccountDirectory } from "../../ports/account-directory.ts";
import type { Log } from "../../ports/runtime.ts";
import { buildAccount, buildGroup } from "../node/configuration/accounts.ts";
import type { GroupFor } from "../node/configuration/configuration.ts";
import { parseEntry } from "../node/configuration/entry-form.ts";
import { apiPlaces } from "../node/configuration/merged-configuration.ts";
import { entryPlace, kindPartition } from "./dynamo-configuration-entries.ts";
import type { Item } from "./dynamo-expressions.ts";
import type { DynamoTable } from "./dynamo-table.ts";

export interface DynamoAccountDirectory extends AccountDirectory {
  /** A group as accounts see it. @throws FileError `unavailable` */
  findGroup(name: string): Promise<GroupFor | undefined>;
}

/**
 * Accounts as the table has them at this moment: one read for the account and one for its groups. An account or a
 * group that this version cannot read is not there, and the log says so.
 */
export function createDynamoAccountDirectory(options: {
  readonly table: DynamoTable;
  readonly log: Pick<Log, "error">;
}): DynamoAccountDirectory {
  const { table, log } = options;
  const report = (item: Item, message: string) =>
    log.error("an entry of the configuration cannot be used", { kind: item.pk, name: item.sk, message });
  return {
    findGroup: async (name) => {
      const item = isName(name) ? await table.get(entryPlace({ kind: "group", name })) : undefined;
      return item && readGroup(item, report)[0]?.[1];
    },
    find: async (name) => {
      if (!isName(name)) return undefined;
      const item = await table.get(entryPlace({ kind: "account", name }));
      const parsed = item && readable(item, () => parseEntry("account", writtenIn(item)), report);
      if (!parsed) return undefined;
      const places = parsed.groups.map((group) => entryPlace({ kind: "group", name: group }));
      const groups = await table.getMany(places);
      return accountOf(parsed, new Map(groups.flatMap((group) => readGroup(group, report))));
    },
  };
}

/** DynamoDB has no longer names, and no empty ones. */
function isName(name: string): boolean {
  return name !== "" && name.length <= limits.accountNameLength;
}

type Report = (item: Item, message: string) => void;

function accountOf(parsed: Parameters<typeof buildAccount>[0], groups: ReadonlyMap<string, GroupFor>): Account {
  return buildAccount(parsed, groups, apiPlaces(parsed));
}

function readGroup(item: Item, report: Report): readonly (readonly [string, GroupFor])[] {
  if (item.pk !== kindPartition("group")) return [];
  const parsed = readable(item, () => parseEntry("group", writtenIn(item)), report);
  return parsed ? [[item.sk, buildGroup(parsed, apiPlaces(parsed))]] : [];
}

function writtenIn({ value }: Item) {
  return JSON.parse(String(value));
}

function readable<T>(item: Item, read: () => T, report: Report): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    report(item, error.message);
    return undefined;
  }
}
