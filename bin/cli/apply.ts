import type { PlannedChange } from "./configuration-plan.ts";
import { planChanges, planLines } from "./configuration-plan.ts";
import type { ConfigurationTarget } from "./configuration-target.ts";
import { againstTarget, cannotBeApplied, print } from "./plan.ts";

/**
 * `ferrygate apply --config FILE [--data DIR | --url URL | --table NAME]`: makes the accounts, groups and rules those
 * of the file, whatever became of them meanwhile, and prints what that changed. What would be refused in the middle is
 * found before anything is changed.
 * @returns the exit code: 0 when the target is what the file says, 1 otherwise
 */
export function runApply(args: readonly string[]): Promise<number> {
  return againstTarget(args, { forReading: false }, async (loaded, target) => {
    const plan = await planChanges(loaded.entries, target);
    print(planLines(plan));
    if (plan.problems.length > 0) return cannotBeApplied(plan);
    for (const change of plan.changes) await make(target, change);
    if (plan.changes.length > 0) print([`applied to ${target.name}`]);
    return 0;
  });
}

function make(target: ConfigurationTarget, { kind, name, wanted }: PlannedChange): Promise<void> {
  return wanted ? target.put(kind, wanted) : target.remove(kind, name);
}
