import { type EntryKind, entryReferences, type JsonObject } from "../../../core/configuration-entry.ts";
import { ConfigurationError, type FieldProblem } from "../../../core/configuration-error.ts";
import { FileError } from "../../../core/errors.ts";
import { limits } from "../../../core/limits.ts";
import type { ConfigurationEntry, EntryChange, EntryPrecondition } from "../../../ports/configuration-store.ts";
import { completeEntry, parseEntry } from "./entry-form.ts";
import { type EntryName, type EntryRow, entryOf } from "./entry-row.ts";

/** What the rules ask about the entries as they are. */
export interface EntryRows {
  find(entry: EntryName): EntryRow | undefined;
  /** In the order of their names. */
  list(kind: EntryKind, options: { readonly limit: number }): readonly EntryRow[];
  count(kind: EntryKind): number;
  /** The names of accounts that have the group; at most `limit`. */
  accountsOfGroup(groupName: string, limit: number): readonly string[];
}

const nouns: Readonly<Record<EntryKind, string>> = {
  account: "account",
  group: "group",
  destination: "destination",
  "dispatch-rule": "dispatch rule",
  pull: "pull",
  "alert-rule": "alert rule",
};

const most: Readonly<Record<EntryKind, number>> = {
  account: limits.accounts,
  group: limits.groups,
  destination: limits.destinations,
  "dispatch-rule": limits.dispatchRules,
  pull: limits.pulls,
  "alert-rule": limits.alertRules,
};

const mostUsersNamed = 3;

/** A change that was found good. */
export interface GoodChange {
  readonly before: EntryRow | undefined;
  /** The JSON text that is to be kept, with every default; undefined for a removal. */
  readonly value: string | undefined;
}

/**
 * Checks a change against its precondition, the form of its entry and what the other entries say. Changes nothing.
 * @throws as ConfigurationStore.change
 */
export function checkChange(store: EntryRows, { kind, name, valueFrom, precondition }: EntryChange): GoodChange {
  const before = store.find({ kind, name });
  const entry = before && entryOf(before);
  checkPrecondition(entry, precondition);
  const written = valueFrom(entry);
  if (written) {
    parseEntry(kind, written);
    checkReferences(store, kind, written);
    if (!before) checkRoom(store, kind);
    return { before, value: textOf(completeEntry(kind, written)) };
  }
  if (!before) throw new FileError("not-found", `there is no ${nouns[kind]} ${JSON.stringify(name)}`);
  checkUnused(store, { kind, name });
  return { before, value: undefined };
}

/** @throws ConfigurationError `invalid-entry` for what no store takes */
function textOf(value: JsonObject): string {
  const text = JSON.stringify(value);
  if (Buffer.byteLength(text) <= limits.entryBytes) return text;
  const message = `the entry is larger than ${limits.entryBytes / 1024} KiB`;
  throw new ConfigurationError("invalid-entry", { field: "", message });
}

/** @throws FileError `precondition-failed` (RFC 9110 §13.1) */
function checkPrecondition(before: ConfigurationEntry | undefined, { ifMatch, ifNoneMatch }: EntryPrecondition): void {
  const matches = (etags: readonly string[] | "*") =>
    before !== undefined && (etags === "*" || etags.includes(before.etag));
  if (ifMatch !== undefined && !matches(ifMatch)) {
    const state = before ? "has been changed in the meantime" : "does not exist";
    throw new FileError("precondition-failed", `the entry ${state}`);
  }
  if (ifNoneMatch !== undefined && matches(ifNoneMatch)) {
    throw new FileError("precondition-failed", "the entry exists already");
  }
}

/** What an entry names has to be there. @throws ConfigurationError `invalid-entry` */
function checkReferences(store: EntryRows, kind: EntryKind, value: JsonObject): void {
  const problems = entryReferences(kind, value)
    .filter((reference) => !store.find(reference))
    .map(({ field, kind: referred, name }): FieldProblem => {
      return { field, message: `there is no ${nouns[referred]} ${JSON.stringify(name)}` };
    });
  const [first, ...others] = problems;
  if (first) throw new ConfigurationError("invalid-entry", first, ...others);
}

/** What others name stays. @throws ConfigurationError `conflict` */
function checkUnused(store: EntryRows, entry: EntryName): void {
  const using = [...accountsIn(store, entry), ...rulesNaming(store, entry)];
  if (using.length === 0) return;
  const shown = [...using.slice(0, mostUsersNamed), ...(using.length > mostUsersNamed ? ["others"] : [])].join(", ");
  const message = `the ${nouns[entry.kind]} ${entry.name} is in use by ${shown}`;
  throw new ConfigurationError("conflict", { field: "", message });
}

/** There may be many accounts, so the store looks for those of a group. */
function accountsIn(store: EntryRows, { kind, name }: EntryName): string[] {
  if (kind !== "group") return [];
  return store.accountsOfGroup(name, mostUsersNamed + 1).map((account) => `account ${account}`);
}

function rulesNaming(store: EntryRows, { kind, name }: EntryName): string[] {
  return (["dispatch-rule", "pull", "alert-rule"] as const).flatMap((user) =>
    store
      .list(user, { limit: most[user] })
      .filter(({ value }) =>
        entryReferences(user, JSON.parse(value)).some((named) => named.kind === kind && named.name === name),
      )
      .map((rule) => `${nouns[user]} ${rule.name}`),
  );
}

/** @throws ConfigurationError `conflict` */
function checkRoom(store: EntryRows, kind: EntryKind): void {
  if (store.count(kind) < most[kind]) return;
  const message = `there are ${most[kind]} ${nouns[kind]}s already, which is the most possible`;
  throw new ConfigurationError("conflict", { field: "", message });
}

/** References of the entries in force that lead nowhere; a file may remove what an entry of the API names. */
export function danglingReferences(store: EntryRows, entries: readonly ConfigurationEntry[]): string[] {
  return entries.flatMap(({ kind, name, value }) =>
    entryReferences(kind, value)
      .filter((reference) => !store.find(reference))
      .map((reference) => `${nouns[kind]} ${name}: there is no ${nouns[reference.kind]} ${reference.name}`),
  );
}
