/** Environment variables that cannot be used, all of them. Each problem names its variable. */
export class EnvironmentError extends Error {
  override readonly name = "EnvironmentError";
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`the environment cannot be used: ${problems.join("; ")}`);
    this.problems = problems;
  }
}

/** Reads one variable. @throws Error whose message is one clause about the text, without its value */
export interface EnvironmentVariable<Value> {
  readonly name: string;
  readonly read: (text: string) => Value;
  /** What stands where the variable is not set; without it, it has to be. */
  readonly fallback?: { readonly value: Value };
}

type Values<Variables> = {
  readonly [Name in keyof Variables]: Variables[Name] extends EnvironmentVariable<infer Value> ? Value : never;
};

/** Reads every variable; one that is empty counts as not set. @throws EnvironmentError with every problem */
export function readEnvironment<Variables extends Readonly<Record<string, EnvironmentVariable<unknown>>>>(
  environment: Readonly<Record<string, string | undefined>>,
  variables: Variables,
): Values<Variables> {
  const problems: string[] = [];
  const values = Object.entries(variables).map(([property, variable]) => {
    try {
      return [property, variableValue(environment[variable.name], variable)];
    } catch (error) {
      problems.push(`${variable.name} ${error instanceof Error ? error.message : error}`);
      return [property, undefined];
    }
  });
  if (problems.length > 0) throw new EnvironmentError(problems);
  return Object.fromEntries(values);
}

function variableValue<Value>(text: string | undefined, { read, fallback }: EnvironmentVariable<Value>): Value {
  if (text !== undefined && text !== "") return read(text);
  if (fallback) return fallback.value;
  throw new Error("is not set");
}

/** A text that has to be there. */
export function requiredText(name: string): EnvironmentVariable<string> {
  return { name, read: (text) => text };
}

export function optionalText(name: string): EnvironmentVariable<string | undefined> {
  return { name, read: (text) => text, fallback: { value: undefined } };
}

/** `true` or `false`; false where it is not set. */
export function optionalTruth(name: string): EnvironmentVariable<boolean> {
  const read = (text: string) => {
    if (text === "true" || text === "false") return text === "true";
    throw new Error("is neither true nor false");
  };
  return { name, read, fallback: { value: false } };
}

/** A whole number within these bounds. */
export function optionalNumber(
  name: string,
  { lowest, highest, fallback }: { readonly lowest: number; readonly highest: number; readonly fallback: number },
): EnvironmentVariable<number> {
  const read = (text: string) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= lowest && value <= highest) return value;
    throw new Error(`is not a number from ${lowest} to ${highest}`);
  };
  return { name, read, fallback: { value: fallback } };
}
