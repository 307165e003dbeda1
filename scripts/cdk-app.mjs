/**
 * What `cdk.json` names as the app: bundles the functions when that was not done or their sources have changed since,
 * and runs `bin/ferrygate.ts` with the Node that runs the product. Has to run on Node 20, as the CLI of CDK may.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { runInRuntime } from "./runtime.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const sources = ["adapters", "core", "gateway", "lambdas", "ports", "protocols", "service", "package-lock.json"];

process.exitCode = bundle() || (await runInRuntime([join(root, "bin/ferrygate.ts")]));

/** @returns the exit code of the bundler; 0 when there is nothing to bundle */
function bundle() {
  if (newest(sources) <= oldestBundle()) return 0;
  const script = join(root, "scripts/bundle.mjs");
  // CDK shows what an app prints; sizes of bundles are no part of it.
  const { status, error } = spawnSync(process.execPath, [script], { stdio: ["ignore", "ignore", "inherit"] });
  if (error) throw error;
  return status ?? 1;
}

/** The time of the bundle that was made first; 0 when one is missing. */
function oldestBundle() {
  const functions = readdirSync(join(root, "lambdas")).filter((name) => name.endsWith(".ts"));
  const bundles = functions.map((name) => join(root, "dist/lambdas", name.replace(/\.ts$/, ""), "index.mjs"));
  return Math.min(...bundles.map((file) => (existsSync(file) ? statSync(file).mtimeMs : 0)));
}

function newest(paths) {
  const times = paths.map((path) => {
    const { mtimeMs } = statSync(join(root, path));
    if (!statSync(join(root, path)).isDirectory()) return mtimeMs;
    return Math.max(mtimeMs, newest(readdirSync(join(root, path)).map((name) => join(path, name))));
  });
  return Math.max(0, ...times);
}
