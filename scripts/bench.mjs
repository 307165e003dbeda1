/**
 * `npm run bench [-- ARGUMENT…]`: runs the benchmarks one after the other with the Node that runs the product. Each
 * gets all the arguments (`--smoke` makes them small; `--store s3` measures the product over S3 instead). Ends with the
 * first exit code that is not 0.
 */
import { fileURLToPath } from "node:url";
import { ensureNativeCrypto } from "./native-crypto.mjs";
import { runInRuntime } from "./runtime.mjs";

const args = process.argv.slice(2);
const isOnS3 = args.includes("--store=s3") || args[args.indexOf("--store") + 1] === "s3";
const benchmarks = isOnS3 ? ["s3.ts"] : ["sftp.ts", "ftps.ts"];

await ensureNativeCrypto({ log: console.log });
for (const name of benchmarks) {
  const file = fileURLToPath(new URL(`../test/bench/${name}`, import.meta.url));
  process.exitCode = await runInRuntime([file, ...args]);
  if (process.exitCode !== 0) break;
}
