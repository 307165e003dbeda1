import { configurationJsonSchema } from "../../adapters/node/configuration/json-schema.ts";
import { parseArguments } from "./arguments.ts";

/** `ferrygate schema`: prints the JSON Schema of the configuration file. */
export async function runSchema(args: readonly string[]): Promise<number> {
  parseArguments({ args: [...args], options: {} });
  process.stdout.write(`${JSON.stringify(configurationJsonSchema(), undefined, 2)}\n`);
  return 0;
}
