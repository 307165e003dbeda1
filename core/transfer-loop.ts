import { resolveTemplate } from "./destination-template.ts";
import type { DispatchRule, PushStep } from "./dispatch.ts";
import { sampleNames } from "./dispatch-loop.ts";
import { FileError } from "./errors.ts";
import { type Pull, takes } from "./pull.ts";
import { childPath, nameOf, parentOf, type VirtualPath } from "./virtual-path.ts";

const anyTime = "2000-01-01T00:00:00.000Z";

/**
 * True when a rule sends what the pull fetches back to where the pull finds it again. Names are made up from the
 * texts of the expressions; those that are too odd for that pass.
 */
export function feedsPull(rule: DispatchRule, pull: Pull): boolean {
  if (!rule.enabled || !pull.enabled || !isAboutPulled(rule, pull)) return false;
  const pushes = [...rule.steps, ...rule.otherwise].filter(
    (step): step is PushStep => step.action === "push" && step.destination === pull.destination,
  );
  const names = [...sampleNames(pull.files?.source ?? ""), ...sampleNames(rule.when.path?.source ?? "")];
  return pushes.some((push) => names.some((name) => comesBack(rule, push, pull, name)));
}

function comesBack({ when }: DispatchRule, { to }: PushStep, pull: Pull, name: string): boolean {
  if (!takes(pull, name)) return false;
  try {
    const path = childPath(pull.to, name);
    if (when.path && !when.path.matches(path)) return false;
    const captures = when.path?.captures(path) ?? [];
    const remotePath: VirtualPath = resolveTemplate(to, {
      accountName: pull.account,
      path,
      time: anyTime,
      captures,
    });
    return parentOf(remotePath) === pull.from && takes(pull, nameOf(remotePath));
  } catch (error) {
    if (error instanceof FileError) return false;
    throw error;
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
