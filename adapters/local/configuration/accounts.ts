import type { Account, Group } from "../../../core/account.ts";
import { referencesUser } from "../../../core/expression.ts";
import { type PermissionRule, parsePermissionRules } from "../../../core/permission.ts";
import type { ParsedConfiguration } from "./schema.ts";

type ParsedAccount = ParsedConfiguration["accounts"][number];
type ParsedGroup = ParsedConfiguration["groups"][number];
type WrittenRules = readonly (readonly string[])[];

/** Says where in the file the value at a path stands, such as `ferrygate.yaml:23`. */
export type Locate = (path: readonly PropertyKey[]) => string;

/** The accounts by name, each with its groups and with permission rules that know where they stand in the file. */
export function buildAccounts(parsed: ParsedConfiguration, locate: Locate): ReadonlyMap<string, Account> {
  const groupFor = groupFactory(parsed.groups, locate);
  return new Map(
    parsed.accounts.map((written, index) => {
      const placeOf = (rule: number) => locate(["accounts", index, "permissions", rule]);
      const origin = { owner: `account ${written.name}`, accountName: written.name };
      const permissions = placedRules(written.permissions, origin, placeOf);
      return [written.name, buildAccount(written, groupFor, permissions)];
    }),
  );
}

function buildAccount(
  written: ParsedAccount,
  groupFor: (groupName: string, accountName: string) => Group[],
  permissions: readonly PermissionRule[],
): Account {
  return {
    name: written.name,
    groups: written.groups.flatMap((groupName) => groupFor(groupName, written.name)),
    passwordHash: written.password,
    publicKeys: written.publicKeys,
    roles: written.roles,
    enabled: written.enabled,
    expiresAtMs: written.expires,
    sources: written.sources,
    home: written.home ?? written.name,
    folders: written.folders,
    permissions,
  };
}

/** A group as one account sees it; accounts share it unless its rules depend on the account's name. */
function groupFactory(groups: readonly ParsedGroup[], locate: Locate) {
  const makers = new Map(groups.map((group, index) => [group.name, groupMaker(group, index, locate)]));
  return (groupName: string, accountName: string): Group[] => {
    const make = makers.get(groupName);
    return make ? [make(accountName)] : [];
  };
}

function groupMaker({ name, enabled, permissions }: ParsedGroup, index: number, locate: Locate) {
  const placeOf = (rule: number) => locate(["groups", index, "permissions", rule]);
  const make = (accountName: string): Group => ({
    name,
    enabled,
    permissions: placedRules(permissions, { owner: `group ${name}`, accountName }, placeOf),
  });
  if (permissions.some(([first = ""]) => referencesUser(first))) return make;
  const shared = make(name);
  return () => shared;
}

/** Labels become `account acme, permissions[1] (ferrygate.yaml:23): ["/inbox/*", allow-write]`. */
function placedRules(
  rules: WrittenRules,
  origin: { owner: string; accountName: string },
  placeOf: (rule: number) => string,
): readonly PermissionRule[] {
  return parsePermissionRules(rules, origin).map((rule, index) => {
    const head = `${origin.owner}, permissions[${index}]`;
    return { ...rule, label: `${head} (${placeOf(index)})${rule.label.slice(head.length)}` };
  });
}
