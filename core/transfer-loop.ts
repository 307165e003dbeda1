import { type DispatchPlan, type DispatchRule, type DispatchStep, destinationOf } from "./dispatch.ts";
import { sampleNames } from "./dispatch-loop.ts";
import { FileError } from "./errors.ts";
import { type Pull, takes } from "./pull.ts";
import { childPath, nameOf, parentOf, type VirtualPath } from "./virtual-path.ts";

const anyTime = "2000-01-01T00:00:00.000Z";

/** Where in a rule a step stands. */
export interface StepPlace {
  readonly list: "do" | "otherwise";
  readonly index: number;
}

/**
 * The step with which a rule sends what the pull fetches back to where the pull finds it again; undefined where there
 * is none. Names are made up from the texts of the expressions; those that are too odd for that pass.
 */
export function feedingStep(rule: DispatchRule, pull: Pull): StepPlace | undefined {
  if (!rule.enabled || !pull.enabled || !isAboutPulled(rule, pull)) return undefined;
  const names = [...sampleNames(pull.files?.source ?? ""), ...sampleNames(rule.when.path?.source ?? "")];
  for (const name of names) {
    const plan = planFor(rule, pull, name);
    const place = plan && (placeIn("do", plan, pull) ?? placeIn("otherwise", plan, pull));
    if (place) return place;
  }
  return undefined;
}

/** Undefined where the pull or the rule has nothing to do with a file of this name. */
function planFor(rule: DispatchRule, pull: Pull, name: string): DispatchPlan | undefined {
  if (!takes(pull, name)) return undefined;
  const path = childPath(pull.to, name);
  if (rule.when.path && !rule.when.path.matches(path)) return undefined;
  return { rule, accountName: pull.account, path, time: anyTime, captures: rule.when.path?.captures(path) ?? [] };
}

/** Goes through the steps as the dispatcher does. A step that cannot be done keeps those behind it from happening. */
function placeIn(list: StepPlace["list"], plan: DispatchPlan, pull: Pull): StepPlace | undefined {
  const steps = list === "do" ? plan.rule.steps : plan.rule.otherwise;
  let { path } = plan;
  try {
    for (const [index, step] of steps.entries()) {
      if (step.action !== "push") path = pathBehind(step, plan, path);
      else if (step.destination === pull.destination && isTaken(pull, destinationOf(step, plan, path))) {
        return { list, index };
      }
    }
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
  }
  return undefined;
}

function isTaken(pull: Pull, remotePath: VirtualPath): boolean {
  return parentOf(remotePath) === pull.from && takes(pull, nameOf(remotePath));
}

/** Where the file is when the step is done. */
function pathBehind(step: DispatchStep, plan: DispatchPlan, path: VirtualPath): VirtualPath {
  switch (step.action) {
    case "move":
    case "rename":
    case "compress":
    case "extract":
    case "encrypt":
    case "decrypt":
    case "verify":
      return destinationOf(step, plan, path);
    default:
      return path;
  }
}

/** What a pull brings is an upload by nobody: a rule may leave that out by its protocol or its account. */
function isAboutPulled({ when: { written } }: DispatchRule, { account }: Pull): boolean {
  const allows = (entries: readonly string[] | undefined, value: string) => {
    if (!entries) return true;
    if (entries.includes(`!${value}`)) return false;
    return entries.includes(value) || entries.every((entry) => entry.startsWith("!"));
  };
  return allows(written.protocols, "system") && allows(written.accounts, account) && written.peers === undefined;
}
