import type { Account } from "../../../core/account.ts";
import type { EntryKind } from "../../../core/configuration-entry.ts";
import { ConfigurationError } from "../../../core/configuration-error.ts";
import { buildAccount, buildGroup } from "./accounts.ts";
import type { Configuration, GroupFor } from "./configuration.ts";
import { type ParsedEntry, parseEntry } from "./entry-form.ts";
import type { EntryName, EntryText } from "./entry-row.ts";

/** The parts of a configuration that are managed entry by entry. */
export type ManagedParts = Pick<
  Configuration,
  "accounts" | "groups" | "destinations" | "dispatch" | "pulls" | "alerts"
>;

/** How the configuration in force differs from the file. */
export interface Overrides {
  /** Entries that the file does not have, or has with another value. */
  readonly changed: readonly EntryText[];
  /** Entries of the file that are not in force. */
  readonly removed: readonly EntryName[];
}

/** What an entry is once it was read. */
interface Built {
  readonly account: ParsedEntry<"account">;
  readonly group: GroupFor;
  readonly destination: Configuration["destinations"][number];
  readonly "dispatch-rule": Configuration["dispatch"][number];
  readonly pull: Configuration["pulls"][number];
  readonly "alert-rule": Configuration["alerts"][number];
}

type Readers = { readonly [Kind in EntryKind]: (value: string) => Built[Kind] };

const readers: Readers = {
  account: (value) => parseEntry("account", JSON.parse(value)),
  group: (value) => {
    const parsed = parseEntry("group", JSON.parse(value));
    return buildGroup(parsed, apiPlaces(parsed));
  },
  destination: (value) => parseEntry("destination", JSON.parse(value)),
  "dispatch-rule": (value) => parseEntry("dispatch-rule", JSON.parse(value)),
  pull: (value) => parseEntry("pull", JSON.parse(value)),
  "alert-rule": (value) => parseEntry("alert-rule", JSON.parse(value)),
};

/** An entry that was read; undefined where it cannot be. */
interface Reading {
  readonly value: string;
  readonly built: Built[EntryKind] | undefined;
}

interface BuiltAccount {
  readonly parsed: ParsedEntry<"account">;
  readonly groups: readonly (GroupFor | undefined)[];
  readonly account: Account;
}

/**
 * Lays what the store says over the configuration of the file. What was read is kept, so that a change costs as much
 * as the entries that it touches; and what no override touches is the file's own, so that labels still say where in
 * the file a rule stands.
 */
export class ConfigurationMerger {
  readonly #report: (entry: EntryName, message: string) => void;
  #readings = new Map<string, Reading>();
  readonly #accounts = new Map<string, BuiltAccount>();

  /** @param report is told of each entry that cannot be read: it is not in force */
  constructor(report: (entry: EntryName, message: string) => void) {
    this.#report = report;
  }

  merge<File extends ManagedParts>(file: File, overrides: Overrides): File {
    this.#readings = new Map(overrides.changed.map((entry) => [idOf(entry), this.#reading(entry)]));
    if (overrides.changed.length + overrides.removed.length === 0) return file;
    const groups = this.#merged(file.groups, overrides, "group");
    return {
      ...file,
      groups,
      accounts: this.#mergedAccounts(file, overrides, groups),
      dispatch: [...this.#merged(byName(file.dispatch), overrides, "dispatch-rule").values()],
      destinations: [...this.#merged(byName(file.destinations), overrides, "destination").values()],
      pulls: [...this.#merged(byName(file.pulls), overrides, "pull").values()],
      alerts: [...this.#merged(byName(file.alerts), overrides, "alert-rule").values()],
    };
  }

  #reading(entry: EntryText): Reading {
    const known = this.#readings.get(idOf(entry));
    return known?.value === entry.value ? known : { value: entry.value, built: this.#read(entry) };
  }

  /** An entry that this version of the program refuses must not be in force, nor keep the rest from it. */
  #read(entry: EntryText): Built[EntryKind] | undefined {
    try {
      return readers[entry.kind](entry.value);
    } catch (error) {
      if (!(error instanceof ConfigurationError)) throw error;
      this.#report(entry, error.message);
      return undefined;
    }
  }

  /** Entries of the file keep their order; those that it does not have follow in the order of their names. */
  #merged<Kind extends EntryKind>(
    entries: ReadonlyMap<string, Built[Kind]>,
    { changed, removed }: Overrides,
    kind: Kind,
  ): Map<string, Built[Kind]> {
    const merged = new Map(entries);
    for (const { name } of ofKind(removed, kind)) merged.delete(name);
    for (const entry of ofKind(changed, kind)) {
      const built = this.#readings.get(idOf(entry))?.built as Built[Kind] | undefined;
      if (built) merged.set(entry.name, built);
      else merged.delete(entry.name);
    }
    return merged;
  }

  #mergedAccounts(
    file: ManagedParts,
    overrides: Overrides,
    groups: ReadonlyMap<string, GroupFor>,
  ): ReadonlyMap<string, Account> {
    const accounts = new Map(file.accounts);
    const changedGroups = new Set([
      ...ofKind(overrides.changed, "group").map(({ name }) => name),
      ...ofKind(overrides.removed, "group").map(({ name }) => name),
    ]);
    if (changedGroups.size > 0) regroup(accounts, changedGroups, groups);
    for (const { name } of ofKind(overrides.removed, "account")) accounts.delete(name);
    for (const [name, parsed] of this.#merged<"account">(new Map(), overrides, "account")) {
      accounts.set(name, this.#account(parsed, groups));
    }
    for (const entry of ofKind(overrides.changed, "account")) {
      if (!this.#readings.get(idOf(entry))?.built) accounts.delete(entry.name);
    }
    return accounts;
  }

  /** The same object as long as neither the account nor one of its groups changes. */
  #account(parsed: ParsedEntry<"account">, groups: ReadonlyMap<string, GroupFor>): Account {
    const own = parsed.groups.map((groupName) => groups.get(groupName));
    const known = this.#accounts.get(parsed.name);
    if (known?.parsed === parsed && own.every((group, index) => group === known.groups[index])) return known.account;
    const account = buildAccount(parsed, groups, apiPlaces(parsed));
    this.#accounts.set(parsed.name, { parsed, groups: own, account });
    return account;
  }
}

/** Puts changed groups into the accounts that have them; a group that is gone takes its permissions along. */
function regroup(
  accounts: Map<string, Account>,
  changed: ReadonlySet<string>,
  groups: ReadonlyMap<string, GroupFor>,
): void {
  for (const [name, account] of accounts) {
    if (!account.groups.some((group) => changed.has(group.name))) continue;
    const regrouped = account.groups.flatMap((group) =>
      changed.has(group.name) ? (groups.get(group.name)?.(name) ?? []) : group,
    );
    accounts.set(name, { ...account, groups: regrouped });
  }
}

function ofKind<Entry extends EntryName>(entries: readonly Entry[], kind: EntryKind): readonly Entry[] {
  return entries.filter((entry) => entry.kind === kind);
}

function byName<Rule extends { readonly name: string }>(rules: readonly Rule[]): ReadonlyMap<string, Rule> {
  return new Map(rules.map((rule) => [rule.name, rule]));
}

function idOf({ kind, name }: EntryName): string {
  return `${kind} ${name}`;
}

/** Where rules stand that came over the management API. */
export function apiPlaces({ permissions }: { readonly permissions: readonly unknown[] }): readonly string[] {
  return permissions.map(() => "management API");
}
