#!/usr/bin/env node
// The launcher: an older Node can read it, and it hands over to one that can run the TypeScript behind it.
import { realpathSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { compileCache, runInRuntime, runtimeNode } from "../scripts/runtime.mjs";

const args = process.argv.slice(2);

stopWithNpm();

try {
  const isRuntime = realpathSync(runtimeNode()) === realpathSync(process.execPath);
  process.exitCode = isRuntime ? await runHere() : await runThere();
} catch (error) {
  // A plain Error (also one of the system) is something that a user can mend; a stack is for bugs.
  process.stderr.write(`ferrygate: ${error.name === "Error" ? error.message : error.stack}\n`);
  process.exitCode = 1;
}

/**
 * npm passes a signal on to a shell, and not every shell passes it on. With the shell gone nobody else would ever stop
 * this process, so it stops as if it had got the signal.
 */
function stopWithNpm() {
  const { ppid } = process;
  if (process.env.npm_command === undefined) return;
  const check = () => {
    if (process.ppid === ppid) return;
    clearInterval(timer);
    process.kill(process.pid, "SIGTERM");
  };
  const timer = setInterval(check, 100);
  timer.unref();
}

function runThere() {
  const detached = process.platform !== "win32";
  return runInRuntime([fileURLToPath(import.meta.url), ...args], { detached });
}

async function runHere() {
  (await import("node:module")).enableCompileCache(compileCache);
  if (args[0] === "start" && !args.includes("--help")) {
    const { ensureNativeCrypto } = await import("../scripts/native-crypto.mjs");
    await ensureNativeCrypto({ log: (line) => process.stderr.write(`${line}\n`) });
  }
  const { main } = await import("./cli.ts");
  return main(args);
}
