/**
 * `npm test [-- PART-OF-A-PATH… | --OPTION-OF-NODE…]`: runs every test/**\/*.test.ts, or those whose path contains
 * one of the arguments, with the Node that runs the product. Benchmarks are not tests.
 */
import { readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { ensureNativeCrypto } from "./native-crypto.mjs";
import { compileCache, runInRuntime } from "./runtime.mjs";

// One more than can run, since there is always a file that waits for a client, a disk or a time of day.
const concurrency = Math.min(8, availableParallelism() + 1);
// Not a measure of speed: a test that hangs is named and ended.
const hungTestMs = 300_000;

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const reporter = new URL("test-report.mjs", import.meta.url).href;
const untrackedPromises = new URL("untracked-promises.mjs", import.meta.url).href;
const options = process.argv.slice(2).filter((argument) => argument.startsWith("-"));
const parts = process.argv.slice(2).filter((argument) => !argument.startsWith("-"));

// Each file is a process of its own, and so is each server that it starts.
process.env.NODE_COMPILE_CACHE ??= compileCache;

process.chdir(root);
const files = testFiles("test").filter((file) => parts.length === 0 || parts.some((part) => file.includes(part)));
if (files.length === 0) {
  console.error(`No test file has ${parts.join(" or ")} in its path.`);
  process.exit(1);
}
await ensureNativeCrypto({ log: console.log });
const runner = [`--test-concurrency=${concurrency}`, `--test-timeout=${hungTestMs}`, `--test-reporter=${reporter}`];
process.exitCode = await runInRuntime(["--import", untrackedPromises, "--test", ...runner, ...options, ...files]);

function testFiles(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".test.ts"))
    .map((entry) => relative("", join(entry.parentPath ?? entry.path, entry.name)))
    .filter((file) => !file.startsWith(join("test", "bench") + sep))
    .sort();
}
