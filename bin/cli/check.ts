import { formatProblem } from "../../adapters/node/configuration/configuration.ts";
import { loadConfiguration } from "../../adapters/node/configuration/load-configuration.ts";
import { onlyPositional, parseArguments } from "./arguments.ts";

/** `ferrygate check FILE`. @returns the exit code: 0 when the file is good, 1 when problems were printed. */
export async function runCheck(args: readonly string[]): Promise<number> {
  const { positionals } = parseArguments({ args: [...args], options: {}, allowPositionals: true });
  const file = onlyPositional(positionals, "FILE");
  const loaded = loadConfiguration(file);
  const lines = loaded.ok ? [`${file}: no problems`] : loaded.problems.map(formatProblem);
  process.stdout.write(`${lines.join("\n")}\n`);
  return loaded.ok ? 0 : 1;
}
