import type { Provisions } from "../../adapters/node/configuration/entry-checks.ts";
import type { EntryName, EntryRow } from "../../adapters/node/configuration/entry-row.ts";
import { checkChange, type EntryRows } from "../../adapters/node/configuration/entry-rules.ts";
import { type EntryKind, type JsonObject, withKeptSecrets } from "../../core/configuration-entry.ts";
import { ConfigurationError, type FieldProblem } from "../../core/configuration-error.ts";
import type { ConfigurationTarget, EntriesByKind, ProposedChange } from "./configuration-target.ts";

/**
 * What would go wrong while a plan is carried out, a line for each problem; nothing is changed to find out. Whatever
 * the entries say about each other is checked here, change by change, against what the changes before it leave; what
 * only the target knows, it is asked.
 */
export async function rehearse(
  plan: readonly ProposedChange[],
  current: EntriesByKind,
  target: ConfigurationTarget,
): Promise<readonly string[]> {
  const problems = inSequence(plan, current, target.provisions ?? everything);
  if (problems.length > 0) return problems;
  const rows = rowsOf(plan, current);
  const refused: string[] = [];
  for (const change of plan) {
    const alone = problemsOf(rows, target.provisions ?? everything, change);
    const told = await target.refusals(change, (kind, name) => rows.find({ kind, name }) !== undefined);
    // What is wrong with a change as things are, and right in its turn, has been seen to.
    const news = told.filter(({ field }) => !alone.some((known) => known.field === field));
    refused.push(...news.map((problem) => problemLine(change, problem)));
  }
  return refused;
}

/** Of a target that tells by itself what it lacks. */
const everything: Provisions = {
  withoutMail: undefined,
  withoutScanner: undefined,
  withoutScanStep: undefined,
  pgpKeys: undefined,
};

function inSequence(plan: readonly ProposedChange[], current: EntriesByKind, provisions: Provisions): string[] {
  const rows = rowsOf(plan, current);
  return plan.flatMap((change) => {
    const problems = problemsOf(rows, provisions, change);
    rows.make(change);
    return problems.map((problem) => problemLine(change, problem));
  });
}

function problemsOf(rows: EntryRows, provisions: Provisions, { kind, name, wanted }: ProposedChange) {
  try {
    checkChange(rows, provisions, { kind, name, valueFrom: () => wanted?.value, precondition: {}, dryRun: true });
    return [];
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems;
    throw error;
  }
}

function problemLine({ kind, name }: ProposedChange, { field, message }: FieldProblem): string {
  return `${kind.replace("-", " ")} ${name}: ${field === "" ? "" : `${field}: `}${message}`;
}

/** The target's entries; where it hides a secret, that of the plan stands, so that the entry can be read. */
function rowsOf(plan: readonly ProposedChange[], current: EntriesByKind): RehearsedEntries {
  const rows = new RehearsedEntries();
  const wanted = new Map(plan.map((change) => [`${change.kind} ${change.name}`, change.wanted?.value]));
  for (const [kind, entries] of current) {
    for (const { name, value } of entries) {
      rows.put({ kind, name }, withKeptSecrets(kind, value, wanted.get(`${kind} ${name}`)));
    }
  }
  return rows;
}

class RehearsedEntries implements EntryRows {
  readonly #rows = new Map<EntryKind, Map<string, EntryRow>>();

  put({ kind, name }: EntryName, value: JsonObject): void {
    this.#ofKind(kind).set(name, { kind, name, value: JSON.stringify(value), modified: "", seeded: false });
  }

  make({ kind, name, wanted }: ProposedChange): void {
    if (wanted) this.put({ kind, name }, wanted.value);
    else this.#ofKind(kind).delete(name);
  }

  find({ kind, name }: EntryName): EntryRow | undefined {
    return this.#ofKind(kind).get(name);
  }

  list(kind: EntryKind, { limit }: { readonly limit: number }): readonly EntryRow[] {
    const rows = [...this.#ofKind(kind).values()];
    return rows.sort((a, b) => (a.name < b.name ? -1 : 1)).slice(0, limit);
  }

  count(kind: EntryKind): number {
    return this.#ofKind(kind).size;
  }

  accountsOfGroup(groupName: string, limit: number): readonly string[] {
    const hasGroup = ({ value }: EntryRow) => {
      const { groups } = JSON.parse(value) as { readonly groups?: unknown };
      return Array.isArray(groups) && groups.includes(groupName);
    };
    const rows = [...this.#ofKind("account").values()].filter(hasGroup);
    return rows.slice(0, limit).map(({ name }) => name);
  }

  #ofKind(kind: EntryKind): Map<string, EntryRow> {
    const rows = this.#rows.get(kind) ?? new Map<string, EntryRow>();
    this.#rows.set(kind, rows);
    return rows;
  }
}
