/** `npm run cost`: writes docs/cost.md with the Node that runs the product. */
import { fileURLToPath } from "node:url";
import { runInRuntime } from "./runtime.mjs";

process.exitCode = await runInRuntime([fileURLToPath(new URL("../bin/cost.ts", import.meta.url))]);
