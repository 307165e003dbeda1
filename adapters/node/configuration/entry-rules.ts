import { type EntryKind, entryReferences, fieldName, type JsonObject } from "../../../core/configuration-entry.ts";
import { ConfigurationError, type FieldProblem } from "../../../core/configuration-error.ts";
import { FileError } from "../../../core/errors.ts";
import { limits } from "../../../core/limits.ts";
import type { ConfigurationEntry, EntryChange, EntryPrecondition } from "../../../ports/configuration-store.ts";
import {
  type EntryNeighbours,
  entryFindings,
  entryNouns as nouns,
  type Provisions,
  type TransferLoop,
  transferLoops,
} from "./entry-checks.ts";
import { completeEntry, type ParsedEntry, parseEntry } from "./entry-form.ts";
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
 * Checks a change against its precondition, the form of its entry and what there is beside it. Changes nothing.
 * @throws as ConfigurationStore.change
 */
export function checkChange(
  store: EntryRows,
  provisions: Provisions,
  { kind, name, valueFrom, precondition }: EntryChange,
): GoodChange {
  const before = store.find({ kind, name });
  const entry = before && entryOf(before);
  checkPrecondition(entry, precondition);
  const written = valueFrom(entry);
  if (written) {
    parseEntry(kind, written);
    checkNeighbours(neighboursIn(store, provisions), kind, written);
    checkLoops(store, kind, written);
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

function neighboursIn(store: EntryRows, provisions: Provisions): EntryNeighbours {
  return {
    has: (kind, name) => store.find({ kind, name }) !== undefined,
    names: (kind) => store.list(kind, { limit: most[kind] }).map(({ name }) => name),
    provisions,
  };
}

/** What an entry asks for has to be there. @throws ConfigurationError `invalid-entry` */
function checkNeighbours(neighbours: EntryNeighbours, kind: EntryKind, value: JsonObject): void {
  refuse(entryFindings(kind, value, neighbours).map(({ path, message }) => ({ field: fieldName(path), message })));
}

/** Either end of a loop may be the one that is changed. @throws ConfigurationError `invalid-entry` */
function checkLoops(store: EntryRows, kind: EntryKind, value: JsonObject): void {
  if (kind === "pull") {
    const loops = transferLoops(sharingDestination(store, "dispatch-rule", value), [parseEntry(kind, value)]);
    refuse(loops.map(({ message }) => ({ field: "from", message })));
  }
  if (kind === "dispatch-rule") {
    const loops = transferLoops([parseEntry(kind, value)], sharingDestination(store, "pull", value));
    refuse(loops.map(({ step, message }) => ({ field: fieldName([step.list, step.index, "push", "path"]), message })));
  }
}

function refuse([first, ...others]: readonly FieldProblem[]): void {
  if (first) throw new ConfigurationError("invalid-entry", first, ...others);
}

/** The entries of the other kind that name a destination which this one names: no others can make a loop with it. */
function sharingDestination<Kind extends "dispatch-rule" | "pull">(
  store: EntryRows,
  kind: Kind,
  value: JsonObject,
): ParsedEntry<Kind>[] {
  const shared = new Set(destinationsIn(kind === "pull" ? "dispatch-rule" : "pull", value));
  if (shared.size === 0) return [];
  const isSharing = (row: EntryRow) => destinationsIn(kind, JSON.parse(row.value)).some((name) => shared.has(name));
  return readable(kind, store.list(kind, { limit: most[kind] }).filter(isSharing));
}

function destinationsIn(kind: EntryKind, value: JsonObject): string[] {
  return entryReferences(kind, value).flatMap((named) => (named.kind === "destination" ? [named.name] : []));
}

/** What cannot be read is not in force. */
function readable<Kind extends EntryKind>(kind: Kind, rows: readonly EntryRow[]): ParsedEntry<Kind>[] {
  return rows.flatMap(({ value }) => {
    try {
      return [parseEntry(kind, JSON.parse(value))];
    } catch (error) {
      if (error instanceof ConfigurationError) return [];
      throw error;
    }
  });
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

/** What entries in force ask for and is not there; a file may remove what an entry of the API needs. */
export function unmetNeeds(store: EntryRows, provisions: Provisions, entries: readonly ConfigurationEntry[]): string[] {
  const neighbours = neighboursIn(store, provisions);
  return entries.flatMap(({ kind, name, value }) =>
    entryFindings(kind, value, neighbours).map(
      ({ path, message }) => `${nouns[kind]} ${name}: ${fieldName(path)}: ${message}`,
    ),
  );
}

/** A loop, and the row of each end. */
export interface LoopInForce extends Pick<TransferLoop, "message"> {
  readonly ends: readonly EntryRow[];
}

/** The loops that all rules and pulls of the store make. */
export function loopsInForce(store: EntryRows): LoopInForce[] {
  const pulls = store.list("pull", { limit: most.pull });
  if (pulls.length === 0) return [];
  const rules = store.list("dispatch-rule", { limit: most["dispatch-rule"] });
  return transferLoops(readable("dispatch-rule", rules), readable("pull", pulls)).map(({ rule, pull, message }) => {
    const ends = [...pulls.filter(({ name }) => name === pull), ...rules.filter(({ name }) => name === rule)];
    return { message, ends };
  });
}
