import type { FileEntry } from "../../adapters/node/configuration/load-configuration.ts";
import {
  type EntryKind,
  type FieldChange,
  type JsonValue,
  redacted,
  sameJson,
  secretMark,
} from "../../core/configuration-entry.ts";
import type { ConfigurationTarget, TargetEntry } from "./configuration-target.ts";

/** One difference between a file and a target. */
export interface PlannedChange {
  readonly kind: EntryKind;
  readonly name: string;
  readonly operation: "add" | "change" | "remove";
  readonly wanted: TargetEntry | undefined;
  readonly changes: readonly FieldChange[];
}

/** What others name comes before those who name it; removals go the other way round. */
const order: readonly EntryKind[] = ["group", "account", "destination", "dispatch-rule", "pull", "alert-rule"];

/** Everything that has to happen so that the target has the entries of the file and no others, in a safe order. */
export async function planChanges(
  entries: readonly FileEntry[],
  target: ConfigurationTarget,
): Promise<readonly PlannedChange[]> {
  const puts: PlannedChange[] = [];
  const removals: PlannedChange[] = [];
  for (const kind of order) {
    const current = new Map((await target.entries(kind)).map((entry) => [entry.name, entry]));
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
  return [...puts, ...removals];
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
export function planLines(plan: readonly PlannedChange[]): string[] {
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
