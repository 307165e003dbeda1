import { parseArguments, UsageError } from "./cli/arguments.ts";
import { programVersion } from "./program-version.ts";

interface Command {
  readonly usage: string;
  readonly summary: string;
  run(args: readonly string[]): Promise<number>;
}

// Each command loads what it needs and no more: checking a file needs no server.
const commands: Readonly<Record<string, Command>> = {
  start: {
    usage: "start [--config FILE] [--data DIR]",
    summary: "runs the server; without --config with DIR/ferrygate.yaml, DIR being ./data unless given",
    run: start,
  },
  check: {
    usage: "check FILE",
    summary: "lists the problems of a configuration file as FILE:line:column: message",
    run: async (args) => (await import("./cli/check.ts")).runCheck(args),
  },
  "hash-password": {
    usage: "hash-password",
    summary: "reads a password from standard input and prints the hash for the configuration file",
    run: async (args) => (await import("./cli/hash-password.ts")).runHashPassword(args),
  },
  explain: {
    usage: "explain --config FILE --account NAME --action ACTION PATH",
    summary: "prints whether the account may do that, and the rule that decides",
    run: async (args) => (await import("./cli/explain.ts")).runExplain(args),
  },
  "host-keys": {
    usage: "host-keys [--import FILE … | --show]",
    summary:
      "prints a secret with new SSH host keys, or with those of the files; --show reads one and prints fingerprints",
    run: async (args) => (await import("./cli/host-keys.ts")).runHostKeys(args),
  },
  plan: {
    usage: "plan --config FILE [--data DIR | --url URL | --table NAME]",
    summary: "prints what apply would change: exit 0 for nothing, 2 for something, 1 for a failure",
    run: async (args) => (await import("./cli/plan.ts")).runPlan(args),
  },
  apply: {
    usage: "apply --config FILE [--data DIR | --url URL | --table NAME [--event-bus NAME]]",
    summary: "makes the accounts, groups and rules of a data directory, a server or a table those of the file",
    run: async (args) => (await import("./cli/apply.ts")).runApply(args),
  },
  destinations: {
    usage: "destinations --url URL",
    summary: "prints what a server pushes and pulls at this moment, what waits, and how pulls went last",
    run: async (args) => (await import("./cli/destinations.ts")).runDestinations(args),
  },
  schema: {
    usage: "schema",
    summary: "prints the JSON Schema of the configuration file",
    run: async (args) => (await import("./cli/schema.ts")).runSchema(args),
  },
};

const overview = [
  "Usage: ferrygate COMMAND",
  "",
  ...Object.values(commands).map(({ usage, summary }) => `  ${usage}\n      ${summary}`),
  "",
  "  --help, --version",
  "",
].join("\n");

/**
 * Runs one command line, without the names of the program.
 * @returns the exit code: 0, 1 when the command found something wrong, 2 when the command line cannot be understood
 */
export async function main(argv: readonly string[]): Promise<number> {
  const [name = "", ...args] = argv;
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (name === "--version") return printed(`ferrygate ${programVersion()}\n`);
  if (name === "--help" || name === "-h" || name === "help") return printed(overview);
  if (!command)
    return misused(name === "" ? "a command is missing" : `unknown command ${JSON.stringify(name)}`, overview);
  const usage = `Usage: ferrygate ${command.usage}\n`;
  if (args.includes("--help") || args.includes("-h")) return printed(`${usage}${command.summary}\n`);
  try {
    return await command.run(args);
  } catch (error) {
    if (error instanceof UsageError) return misused(error.message, usage);
    throw error;
  }
}

async function start(args: readonly string[]): Promise<number> {
  const options = { config: { type: "string" }, data: { type: "string" } } as const;
  const { config: configFile, data: dataDirectory } = parseArguments({ args: [...args], options }).values;
  const { runStart } = await import("./cli/start.ts");
  return runStart({
    ...(configFile !== undefined && { configFile }),
    ...(dataDirectory !== undefined && { dataDirectory }),
  });
}

function printed(text: string): number {
  process.stdout.write(text);
  return 0;
}

function misused(problem: string, usage: string): number {
  process.stderr.write(`ferrygate: ${problem}\n${usage}`);
  return 2;
}
