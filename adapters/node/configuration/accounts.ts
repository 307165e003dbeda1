import type { Account, Group } from "../../../core/account.ts";
import { referencesUser } from "../../../core/expression.ts";
import { type PermissionRule, parsePermissionRules } from "../../../core/permission.ts";
import type { GroupFor } from "./configuration.ts";
import type { ParsedConfiguration } from "./schema.ts";

type ParsedAccount = ParsedConfiguration["accounts"][number];
type ParsedGroup = ParsedConfiguration["groups"][number];
type WrittenRules = readonly (readonly string[])[];

/**
 * An account with its groups, and with permission rules that know where they stand.
 * @param places where each rule stands, such as `ferrygate.yaml:23`
 */
export function buildAccount(
  written: ParsedAccount,
  groups: ReadonlyMap<string, GroupFor>,
  places: readonly string[],
): Account {
  const origin = { owner: `account ${written.name}`, accountName: written.name };
  return {
    name: written.name,
    groups: written.groups.flatMap((groupName) => groups.get(groupName)?.(written.name) ?? []),
    passwordHash: written.password,
    publicKeys: written.publicKeys,
    roles: written.roles,
    enabled: written.enabled,
    expiresAtMs: written.expires,
    sources: written.sources,
    home: written.home ?? written.name,
    folders: written.folders,
    permissions: placedRules(written.permissions, origin, places),
    ...(written.scan && { scan: written.scan }),
    ...(written.resumableUploads && { resumableUploads: true }),
  };
}

/** @param places where each rule stands, such as `ferrygate.yaml:23` */
export function buildGroup(written: ParsedGroup, places: readonly string[]): GroupFor {
  const { name, enabled, permissions, scan, resumableUploads } = written;
  const make = (accountName: string): Group => ({
    name,
    enabled,
    permissions: placedRules(permissions, { owner: `group ${name}`, accountName }, places),
    ...(scan && { scan }),
    ...(resumableUploads && { resumableUploads }),
  });
  if (permissions.some(([first = ""]) => referencesUser(first))) return make;
  const shared = make(name);
  return () => shared;
}

/** Labels become `account acme, permissions[1] (ferrygate.yaml:23): ["/inbox/*", allow-write]`. */
function placedRules(
  rules: WrittenRules,
  origin: { owner: string; accountName: string },
  places: readonly string[],
): readonly PermissionRule[] {
  return parsePermissionRules(rules, origin).map((rule, index) => {
    const head = `${origin.owner}, permissions[${index}]`;
    return { ...rule, label: `${head} (${places[index]})${rule.label.slice(head.length)}` };
  });
}
