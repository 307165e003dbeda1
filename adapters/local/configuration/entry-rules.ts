import { type EntryKind, entryReferences, type JsonObject } from "../../../core/configuration-entry.ts";
import { ConfigurationError, type FieldProblem } from "../../../core/configuration-error.ts";
import { FileError } from "../../../core/errors.ts";
import { limits } from "../../../core/limits.ts";
import type { ConfigurationEntry, EntryPrecondition } from "../../../ports/configuration-store.ts";
import type { ConfigurationDatabase, EntryName } from "../sqlite-configuration.ts";

const nouns: Readonly<Record<EntryKind, string>> = {
  account: "account",
  group: "group",
  "dispatch-rule": "dispatch rule",
  "alert-rule": "alert rule",
};

const most: Readonly<Record<EntryKind, number>> = {
  account: limits.accounts,
  group: limits.groups,
  "dispatch-rule": limits.dispatchRules,
  "alert-rule": limits.alertRules,
};

const mostUsersNamed = 3;

/** @throws FileError `precondition-failed` (RFC 9110 §13.1) */
export function checkPrecondition(
  before: ConfigurationEntry | undefined,
  { ifMatch, ifNoneMatch }: EntryPrecondition,
): void {
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
export function checkReferences(database: ConfigurationDatabase, kind: EntryKind, value: JsonObject): void {
  const problems = entryReferences(kind, value)
    .filter((reference) => !database.find(reference))
    .map(({ field, kind: referred, name }): FieldProblem => {
      return { field, message: `there is no ${nouns[referred]} ${JSON.stringify(name)}` };
    });
  const [first, ...others] = problems;
  if (first) throw new ConfigurationError("invalid-entry", first, ...others);
}

/** What others name stays. @throws ConfigurationError `conflict` */
export function checkUnused(database: ConfigurationDatabase, entry: EntryName): void {
  const using = [...accountsIn(database, entry), ...rulesNaming(database, entry)];
  if (using.length === 0) return;
  const shown = [...using.slice(0, mostUsersNamed), ...(using.length > mostUsersNamed ? ["others"] : [])].join(", ");
  const message = `the ${nouns[entry.kind]} ${entry.name} is in use by ${shown}`;
  throw new ConfigurationError("conflict", { field: "", message });
}

/** There may be many accounts, so the database looks for those of a group. */
function accountsIn(database: ConfigurationDatabase, { kind, name }: EntryName): string[] {
  if (kind !== "group") return [];
  return database.accountsOfGroup(name, mostUsersNamed + 1).map((account) => `account ${account}`);
}

function rulesNaming(database: ConfigurationDatabase, { kind, name }: EntryName): string[] {
  return (["dispatch-rule", "alert-rule"] as const).flatMap((user) =>
    database
      .list(user, { limit: most[user] })
      .filter(({ value }) =>
        entryReferences(user, JSON.parse(value)).some((named) => named.kind === kind && named.name === name),
      )
      .map((rule) => `${nouns[user]} ${rule.name}`),
  );
}

/** @throws ConfigurationError `conflict` */
export function checkRoom(database: ConfigurationDatabase, kind: EntryKind): void {
  if (database.count(kind) < most[kind]) return;
  const message = `there are ${most[kind]} ${nouns[kind]}s already, which is the most possible`;
  throw new ConfigurationError("conflict", { field: "", message });
}

/** References of the entries in force that lead nowhere; a file may remove what an entry of the API names. */
export function danglingReferences(database: ConfigurationDatabase, entries: readonly ConfigurationEntry[]): string[] {
  return entries.flatMap(({ kind, name, value }) =>
    entryReferences(kind, value)
      .filter((reference) => !database.find(reference))
      .map((reference) => `${nouns[kind]} ${name}: there is no ${nouns[reference.kind]} ${reference.name}`),
  );
}
