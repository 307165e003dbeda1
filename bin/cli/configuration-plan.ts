import type { FileEntry } from "../../adapters/node/configuration/load-configuration.ts";
import {
  type EntryKind,
  type FieldChange,
  type JsonValue,
  redacted,
  sameJson,
  secretMark,
} from "../../core/configuration-entry.ts";
import type { ConfigurationTarget, EntriesByKind, TargetEntry } from "./configuration-target.ts";
import { rehearse } from "./rehearsal.ts";

/** One difference between a file and a target. */
export interface PlannedChange {
  readonly kind: EntryKind;
  readonly name: string;
  readonly operation: "add" | "change" | "remove";
  readonly wanted: TargetEntry | undefined;
  readonly changes: readonly FieldChange[];
}

/** What is to be done, in an order in which it can be, and why it cannot where there is none. */
export interface Plan {
  readonly changes: readonly PlannedChange[];
  /** Of whoever would carry it out, a line each. */
  readonly problems: readonly string[];
}

/** What others name comes before those who name it; removals go the other way round. */
const order: readonly EntryKind[] = ["group", "account", "destination", "dispatch-rule", "pull", "alert-rule"];

/** Everything that has to happen so that the target has the entries of the file and no others. */
export async function planChanges(entries: readonly FileEntry[], target: ConfigurationTarget): Promise<Plan> {
  const current = new Map<EntryKind, readonly TargetEntry[]>();
  for (const kind of order) current.set(kind, await target.entries(kind));
  const changes = await differences(entries, current, target);
  const problems = await rehearse(changes, current, target);
  if (problems.length === 0) return { changes, problems };
  // A rule may feed the pull that is to go out of its way in the next step.
  const rulesLast = [...changes].sort((a, b) => Number(isPutOfRule(a)) - Number(isPutOfRule(b)));
  const problemsThen = await rehearse(rulesLast, current, target);
  return problemsThen.length === 0 ? { changes: rulesLast, problems: [] } : { changes, problems };
}

function isPutOfRule({ kind, wanted }: PlannedChange): boolean {
  return kind === "dispatch-rule" && wanted !== undefined;
}

/** Pulls go first: nobody names them, and a rule may send files to where they would fetch them. */
async function differences(
  entries: readonly FileEntry[],
  inForce: EntriesByKind,
  target: ConfigurationTarget,
): Promise<readonly PlannedChange[]> {
  const puts: PlannedChange[] = [];
  const removals: PlannedChange[] = [];
  for (const kind of order) {
    const current = new Map(inForce.get(kind)?.map((entry) => [entry.name, entry]));
    for (const wanted of entries.filter((entry) => entry.kind === kind)) {
      const change = await plannedPut(target, current.get(wanted.name), wanted);
      if (change) puts.push(change);
      current.delete(wanted.name);
    }
    const surplus = [...current.keys()].map((name): PlannedChange => {
      return { kind, name, operation: "remove", wanted: undefined, changes: [] };
    });
    removals.unshift(...surplus);
  }
  const isPull = ({ kind }: PlannedChange) => kind === "pull";
  return [...removals.filter(isPull), ...puts, ...removals.filter((removal) => !isPull(removal))];
}

async function plannedPut(
  target: ConfigurationTarget,
  current: TargetEntry | undefined,
  wanted: FileEntry,
): Promise<PlannedChange | undefined> {
  const { kind, name, value } = wanted;
  if (!current) return { kind, name, operation: "add", wanted: { name, value }, changes: [] };
  const changes = await target.changes(kind, current, wanted);
  return changes.length === 0 ? undefined : { kind, name, operation: "change", wanted: { name, value }, changes };
}

/** One line for each entry, and one for each of its fields, without secrets. */
export function planLines({ changes: plan }: Plan): string[] {
  if (plan.length === 0) return ["no difference"];
  const count = (operation: PlannedChange["operation"]) =>
    plan.filter((change) => change.operation === operation).length;
  const total = `${count("add")} to add, ${count("change")} to change, ${count("remove")} to remove`;
  return [...plan.flatMap(changeLines), total];
}

const signs = { add: "+", change: "~", remove: "-" } as const;

function changeLines({ kind, name, operation, wanted, changes }: PlannedChange): string[] {
  const head = `${signs[operation]} ${kind.replace("-", " ")} ${name}`;
  const value = operation === "add" && wanted ? redacted(kind, wanted.value) : {};
  const added = Object.entries(value).filter(([field]) => field !== "name");
  return [
    head,
    ...added.map(([field, written]) => `    ${field}: ${valueText(written)}`),
    ...changes.map((change) => `    ${changeText(change)}`),
  ];
}

function changeText({ field, before, after }: FieldChange): string {
  const isHidden = sameJson(before, secretMark) && sameJson(after, secretMark);
  return isHidden ? `${field}: (set) → (another)` : `${field}: ${valueText(before)} → ${valueText(after)}`;
}

function valueText(value: JsonValue | undefined): string {
  if (value === undefined) return "(none)";
  return sameJson(value, secretMark) ? "(set)" : JSON.stringify(value);
}
