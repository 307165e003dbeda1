/**
 * `npm run bench [-- ARGUMENT…]`: runs the benchmarks one after the other with the Node that runs the product. Each
 * gets all the arguments (`--smoke` makes them small). Ends with the first exit code that is not 0.
 */
import { fileURLToPath } from "node:url";
import { ensureNativeCrypto } from "./native-crypto.mjs";
import { runInRuntime } from "./runtime.mjs";

const benchmarks = ["sftp.ts", "ftps.ts"];

await ensureNativeCrypto({ log: console.log });
for (const name of benchmarks) {
  const file = fileURLToPath(new URL(`../test/bench/${name}`, import.meta.url));
  process.exitCode = await runInRuntime([file, ...process.argv.slice(2)]);
  if (process.exitCode !== 0) break;
}
