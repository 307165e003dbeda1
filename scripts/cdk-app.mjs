/** What `cdk.json` names as the app: runs `bin/ferrygate.ts` with the Node that runs the product. */
import { fileURLToPath } from "node:url";
import { runInRuntime } from "./runtime.mjs";

process.exitCode = await runInRuntime([fileURLToPath(new URL("../bin/ferrygate.ts", import.meta.url))]);
