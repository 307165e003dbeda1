import type { Account, Group } from "./account.ts";
import { FileError } from "./errors.ts";
import { FolderMap, FolderMapError, parseStorePrefix } from "./folder-map.ts";
import { limits } from "./limits.ts";
import { isObjectName } from "./object-key.ts";
import { PermissionRulesError, parsePermissionRules } from "./permission.ts";
import { parseVirtualPath } from "./virtual-path.ts";

/** An account in another system's words that cannot be used. The message is one sentence and names the member. */
export class ExternalAccountError extends Error {
  override readonly name = "ExternalAccountError";
}

/** What another system said about an account; what is undefined has its default. */
export interface ExternalAccount {
  readonly group?: string | undefined;
  readonly home?: string | undefined;
  readonly folders: readonly { readonly path: string; readonly prefix: string }[];
  readonly structure: readonly string[];
  readonly permissions: readonly (readonly string[])[];
}

/** Of an account that is accepted without a word about it. */
export const plainExternalAccount: ExternalAccount = { folders: [], structure: [], permissions: [] };

/** Members without a meaning for an object store; they are checked and left out of account. */
const ignoredMembers: Readonly<Record<string, "text" | "truth">> = {
  uuid: "text",
  email: "text",
  create_home_folder: "truth",
  create_home_folder_owner: "text",
  create_home_folder_group: "text",
};

const usedMembers = ["group", "home_folder_path", "home_folder_structure", "permissions", "virtual_folders"];

/**
 * Reads `{"account": {…}}` as the HTTP authentication of SFTPPlus answers it. A member that is null is absent.
 * @throws ExternalAccountError for unknown members and for values of another form
 */
export function parseExternalAccount(answer: unknown): ExternalAccount {
  const { account, ...others } = mapping(answer, "the answer");
  refuseUnknown(Object.keys(others), "the answer");
  const members = mapping(account, "account");
  refuseUnknown(
    Object.keys(members).filter((name) => !usedMembers.includes(name) && !Object.hasOwn(ignoredMembers, name)),
    "account",
  );
  for (const [name, form] of Object.entries(ignoredMembers)) {
    if (form === "text") text(members[name], name);
    else truth(members[name], name);
  }
  const folders = textLists(members.virtual_folders, "virtual_folders");
  if (folders.some((pair) => pair.length !== 2)) throw wrong("virtual_folders", "a list of pairs of texts");
  return {
    group: text(members.group, "group") || undefined,
    home: text(members.home_folder_path, "home_folder_path") || undefined,
    folders: folders.map(([path = "", prefix = ""]) => ({ path, prefix })),
    structure: texts(members.home_folder_structure ?? [], "home_folder_structure"),
    permissions: textLists(members.permissions, "permissions"),
  };
}

/**
 * The account as the pipeline knows it. Without a home it has its name as the home.
 * @param group looks a group up as this account sees it
 * @throws ExternalAccountError for what cannot be used: a group that does not exist, a path, a permission
 */
export function buildExternalAccount(
  name: string,
  external: ExternalAccount,
  options: { readonly group: (groupName: string) => Group | undefined; readonly expiresAtMs: number },
): Account {
  if (name.length > limits.accountNameLength || !isObjectName(name)) {
    throw new ExternalAccountError("the account's name cannot be used here");
  }
  const account: Account = {
    name,
    groups: external.group === undefined ? [] : [groupOf(external.group, options.group)],
    passwordHash: undefined,
    publicKeys: [],
    roles: [],
    enabled: true,
    expiresAtMs: options.expiresAtMs,
    sources: undefined,
    home: readable("home_folder_path", () => parseStorePrefix(external.home ?? name)),
    folders: external.folders.map(({ path, prefix }) => ({
      path,
      prefix: readable("virtual_folders", () => parseStorePrefix(prefix)),
    })),
    permissions: readable("permissions", () =>
      parsePermissionRules(external.permissions, { owner: `account ${name} (external)`, accountName: name }),
    ),
    external: true,
    structure: external.structure.map((path) => readable("home_folder_structure", () => parseVirtualPath(path))),
  };
  readable("virtual_folders", () => new FolderMap(account));
  return account;
}

function groupOf(groupName: string, find: (groupName: string) => Group | undefined): Group {
  const group = find(groupName);
  if (group) return group;
  throw new ExternalAccountError(`group: there is no group ${JSON.stringify(groupName)}`);
}

function readable<T>(member: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const isExpected = [FileError, FolderMapError, PermissionRulesError].some((kind) => error instanceof kind);
    if (!isExpected || !(error instanceof Error)) throw error;
    throw new ExternalAccountError(`${member}: ${error.message}`);
  }
}

function refuseUnknown([first]: readonly string[], where: string): void {
  if (first === undefined) return;
  throw new ExternalAccountError(`${where} has the unknown member ${JSON.stringify(first.slice(0, shownLength))}`);
}

const shownLength = 100;

function mapping(value: unknown, name: string): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw wrong(name, "an object");
  return value as Readonly<Record<string, unknown>>;
}

function text(value: unknown, name: string): string {
  if (value !== undefined && value !== null && typeof value !== "string") throw wrong(name, "text");
  return value ?? "";
}

function truth(value: unknown, name: string): void {
  if (value !== undefined && value !== null && typeof value !== "boolean") throw wrong(name, "true or false");
}

function texts(value: unknown, name: string): readonly string[] {
  const isList = Array.isArray(value) && value.every((entry) => typeof entry === "string");
  if (!isList) throw wrong(name, "a list of texts");
  if (value.length > limits.foldersPerAccount) throw wrong(name, `at most ${limits.foldersPerAccount} entries`);
  return value;
}

function textLists(value: unknown, name: string): readonly (readonly string[])[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw wrong(name, "a list of lists");
  if (value.length > limits.permissionRules) throw wrong(name, `at most ${limits.permissionRules} entries`);
  return value.map((entry) => texts(entry, name));
}

function wrong(name: string, expected: string): ExternalAccountError {
  return new ExternalAccountError(`${name} is not ${expected}`);
}
