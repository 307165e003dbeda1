import { formatProblem } from "../../adapters/node/configuration/configuration.ts";
import { loadConfiguration } from "../../adapters/node/configuration/load-configuration.ts";
import { pgpKeyProblems } from "../../adapters/node/configuration/pgp-key-check.ts";
import { onlyPositional, parseArguments } from "./arguments.ts";

/** `ferrygate check FILE`. @returns the exit code: 0 when the file is good, 1 when problems were printed. */
export async function runCheck(args: readonly string[]): Promise<number> {
  const { positionals } = parseArguments({ args: [...args], options: {}, allowPositionals: true });
  const file = onlyPositional(positionals, "FILE");
  const loaded = loadConfiguration(file);
  const problems = loaded.ok ? await pgpKeyProblems(loaded.configuration) : loaded.problems;
  const lines = problems.length === 0 ? [`${file}: no problems`] : problems.map(formatProblem);
  process.stdout.write(`${lines.join("\n")}\n`);
  return problems.length === 0 ? 0 : 1;
}
