import type { z } from "zod";
import type { Check, Problem } from "./check.ts";
import { checks } from "./checks.ts";
import { type Stage, type StageConfiguration, stageSections } from "./schema.ts";

/** A stage that cannot be deployed. The message lists every problem, a line each: the field and the reason. */
export class ConfigurationError extends Error {
  override readonly name = "ConfigurationError";
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    const lines = problems.map(({ field, reason }) => `  ${field}: ${reason}`);
    super(["The configuration of the stage cannot be deployed:", ...lines].join("\n"));
    this.problems = problems;
  }
}

/**
 * Checks a stage's configuration, each value and what values have to do with each other, and fills in the defaults.
 * @throws ConfigurationError with all problems; a check across sections waits until those sections are right
 */
export function resolveStage(configuration: StageConfiguration): Stage {
  const given: Readonly<Record<string, unknown>> = configuration ?? {};
  const results = Object.entries(stageSections).map(([section, schema]) => ({
    section,
    result: (schema as z.ZodType).safeParse(given[section]),
  }));
  const right = Object.fromEntries(
    results.flatMap(({ section, result }) => (result.success ? [[section, result.data]] : [])),
  ) as Partial<Stage>;
  const problems = [
    ...Object.keys(given)
      .filter((section) => !Object.hasOwn(stageSections, section))
      .map((section) => ({ field: section, reason: "is not a section of a stage's configuration" })),
    ...results.flatMap(({ section, result }) => (result.success ? [] : problemsOf(section, result.error))),
    ...checks.flatMap((check) => crossProblems(check, right)),
  ];
  if (problems.length > 0) throw new ConfigurationError(problems);
  return right as Stage;
}

function crossProblems({ sections, find }: Check, right: Partial<Stage>): readonly Problem[] {
  return sections.every((section) => right[section] !== undefined) ? find(right as Stage) : [];
}

function problemsOf(section: string, error: z.ZodError): Problem[] {
  return error.issues.map(({ path, message }) => ({ field: fieldOf([section, ...path]), reason: message }));
}

/** `gateway.pools[0].weight`. */
function fieldOf(path: readonly PropertyKey[]): string {
  return path.reduce<string>((field, step) => {
    if (typeof step === "number") return `${field}[${step}]`;
    return field === "" ? String(step) : `${field}.${String(step)}`;
  }, "");
}
