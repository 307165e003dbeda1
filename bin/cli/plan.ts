import { resolve } from "node:path";
import { formatProblem } from "../../adapters/node/configuration/configuration.ts";
import type { GoodConfiguration } from "../../adapters/node/configuration/configuration-accounts.ts";
import { fileProvisions } from "../../adapters/node/configuration/entry-checks.ts";
import { loadConfiguration } from "../../adapters/node/configuration/load-configuration.ts";
import { openApi } from "./api-target.ts";
import { parseArguments, UsageError } from "./arguments.ts";
import { type Plan, planChanges, planLines } from "./configuration-plan.ts";
import type { ConfigurationTarget } from "./configuration-target.ts";
import { type DataDirectoryOptions, hasConfiguration, openDataDirectory } from "./data-directory-target.ts";

const exitWithDifference = 2;

/**
 * `ferrygate plan --config FILE [--data DIR | --url URL | --table NAME]`: prints what `ferrygate apply` would change.
 * @returns the exit code: 0 without a difference, 2 with one, 1 when that could not be found out or not be applied
 */
export function runPlan(args: readonly string[]): Promise<number> {
  return againstTarget(args, { forReading: true }, async (loaded, target) => {
    const plan = await planChanges(loaded.entries, target);
    print(planLines(plan));
    if (plan.problems.length > 0) return cannotBeApplied(plan);
    return plan.changes.length === 0 ? 0 : exitWithDifference;
  });
}

/** Does `work` with the file and the target that the arguments name. Failures are printed, and the answer is 1. */
export async function againstTarget(
  args: readonly string[],
  { forReading }: { forReading: boolean },
  work: (loaded: GoodConfiguration, target: ConfigurationTarget) => Promise<number>,
): Promise<number> {
  try {
    const { config, ...place } = readArguments(args);
    const loaded = loadConfiguration(config);
    if (!loaded.ok) return failure(loaded.problems.map(formatProblem).join("\n"));
    const { server, ...file } = loaded.configuration;
    const target = await openTarget(place, { serverName: server.name, provisions: fileProvisions(file), forReading });
    try {
      return await work(loaded, target);
    } finally {
      await target.close();
    }
  } catch (error) {
    return failure(messageOf(error));
  }
}

interface Place {
  readonly data: string | undefined;
  readonly url: string | undefined;
  readonly table: string | undefined;
  readonly eventBus: string | undefined;
}

async function openTarget(
  { data, url, table, eventBus }: Place,
  options: DataDirectoryOptions,
): Promise<ConfigurationTarget> {
  if (url !== undefined) return openApi(url);
  if (table === undefined) {
    if (data === undefined) hintAtPlaces(resolve("data"));
    return openDataDirectory(resolve(data ?? "data"), options);
  }
  // The clients of AWS take a second to load, and few need them.
  const { openTable } = await import("./table-target.ts");
  return openTable(table, { ...options, eventBus: options.forReading ? undefined : eventBus });
}

/** Who runs the command somewhere else than beside the server would take all of the file for new. */
function hintAtPlaces(dataDirectory: string): void {
  if (hasConfiguration(dataDirectory)) return;
  process.stderr.write(
    `ferrygate: no server has run on ${dataDirectory}, so all of the file is new there; ` +
      "name another place by --data DIR, --url URL (a server's API) or --table NAME (the AWS edition)\n",
  );
}

function readArguments(args: readonly string[]): Place & { readonly config: string } {
  const text = { type: "string" } as const;
  const options = { config: text, data: text, url: text, table: text, "event-bus": text };
  const { config, data, url, table, "event-bus": eventBus } = parseArguments({ args: [...args], options }).values;
  if (config === undefined) throw new UsageError("--config FILE is missing");
  if ([data, url, table].filter((place) => place !== undefined).length > 1) {
    throw new UsageError("--data, --url and --table exclude each other");
  }
  if (eventBus !== undefined && table === undefined) throw new UsageError("--event-bus goes with --table");
  return { config, data, url, table, eventBus };
}

export function cannotBeApplied({ problems }: Plan): number {
  return failure(["this cannot be applied, and nothing was changed:", ...problems].join("\n  "));
}

export function print(lines: readonly string[]): void {
  process.stdout.write(`${lines.join("\n")}\n`);
}

/** With the reason behind it: the operator is no client, and can do something about it. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return `${error}`;
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}

// Not 2, which stands for a difference.
function failure(message: string): number {
  process.stderr.write(`ferrygate: ${message}\n`);
  return 1;
}
