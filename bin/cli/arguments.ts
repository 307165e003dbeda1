import { type ParseArgsConfig, parseArgs } from "node:util";

/** The command line cannot be understood. The message says why; the usage is printed below it. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** As node:util's parseArgs. @throws UsageError for unknown options and missing values. */
export function parseArguments<Config extends ParseArgsConfig>(config: Config): ReturnType<typeof parseArgs<Config>> {
  try {
    return parseArgs(config);
  } catch (error) {
    const { code = "", message } = error as NodeJS.ErrnoException;
    if (!code.startsWith("ERR_PARSE_ARGS")) throw error;
    throw new UsageError(message);
  }
}

/** The one argument without a name. @throws UsageError when there is none, or more. */
export function onlyPositional(positionals: readonly string[], meaning: string): string {
  const [only, ...others] = positionals;
  if (only === undefined) throw new UsageError(`${meaning} is missing`);
  if (others.length > 0) throw new UsageError(`unexpected argument ${JSON.stringify(others[0])}`);
  return only;
}
