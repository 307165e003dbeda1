import { resolve } from "node:path";
import { formatProblem } from "../../adapters/node/configuration/configuration.ts";
import type { GoodConfiguration } from "../../adapters/node/configuration/configuration-accounts.ts";
import { loadConfiguration } from "../../adapters/node/configuration/load-configuration.ts";
import { openApi } from "./api-target.ts";
import { parseArguments, UsageError } from "./arguments.ts";
import { planChanges, planLines } from "./configuration-plan.ts";
import type { ConfigurationTarget } from "./configuration-target.ts";
import { openDataDirectory } from "./data-directory-target.ts";

const exitWithDifference = 2;

/**
 * `ferrygate plan --config FILE [--data DIR | --url URL]`: prints what `ferrygate apply` would change.
 * @returns the exit code: 0 without a difference, 2 with one, 1 when that could not be found out
 */
export function runPlan(args: readonly string[]): Promise<number> {
  return againstTarget(args, { forReading: true }, async (loaded, target) => {
    const plan = await planChanges(loaded.entries, target);
    print(planLines(plan));
    return plan.length === 0 ? 0 : exitWithDifference;
  });
}

/** Does `work` with the file and the target that the arguments name. Failures are printed, and the answer is 1. */
export async function againstTarget(
  args: readonly string[],
  { forReading }: { forReading: boolean },
  work: (loaded: GoodConfiguration, target: ConfigurationTarget) => Promise<number>,
): Promise<number> {
  try {
    const { config, data, url } = readArguments(args);
    const loaded = loadConfiguration(config);
    if (!loaded.ok) return failure(loaded.problems.map(formatProblem).join("\n"));
    const serverName = loaded.configuration.server.name;
    const target =
      url === undefined
        ? await openDataDirectory(resolve(data ?? "data"), { serverName, forReading })
        : await openApi(url);
    try {
      return await work(loaded, target);
    } finally {
      await target.close();
    }
  } catch (error) {
    return failure(error instanceof Error ? error.message : `${error}`);
  }
}

function readArguments(args: readonly string[]) {
  const options = { config: { type: "string" }, data: { type: "string" }, url: { type: "string" } } as const;
  const { config, data, url } = parseArguments({ args: [...args], options }).values;
  if (config === undefined) throw new UsageError("--config FILE is missing");
  if (data !== undefined && url !== undefined) throw new UsageError("--data and --url exclude each other");
  return { config, data, url };
}

export function print(lines: readonly string[]): void {
  process.stdout.write(`${lines.join("\n")}\n`);
}

// Not 2, which stands for a difference.
function failure(message: string): number {
  process.stderr.write(`ferrygate: ${message}\n`);
  return 1;
}
