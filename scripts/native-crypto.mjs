/**
 * Builds ssh2's native ciphers for the Node that runs the product, and keeps only a build that has proven itself.
 *
 * With them SFTP costs a third of the CPU. npm would build them in an install script, which this project lets no
 * dependency run, and it would build for the Node that runs npm, whose addons another Node does not load.
 * `node scripts/native-crypto.mjs` builds when needed; `--force` builds again.
 */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  accessSync,
  constants,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { delimiter, dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { runtime } from "./runtime.mjs";

const buildMs = 120_000;
const probeMs = 60_000;
const lockMs = buildMs + probeMs;
const lockPollMs = 100;
const noiseLines = 5;
const noiseCharacters = 10_000;

const require = createRequire(import.meta.url);
const ssh2Manifest = require.resolve("ssh2/package.json");
const folder = join(dirname(ssh2Manifest), "lib/protocol/crypto");
const addon = join(folder, "build/Release/sshcrypto.node");
const marker = join(folder, "build/ferrygate.json");
const lock = join(folder, "ferrygate.lock");
const scratchPrefix = "build-";

/**
 * Makes sure that ssh2 either has native ciphers that are safe under this runtime, or none. A result is remembered
 * beside the addon until the runtime, ssh2 or the presence of a compiler changes. Takes seconds when it builds and
 * downloads nothing.
 * @param {{ log: (line: string) => void, force?: boolean }} options
 * @returns {Promise<{ native: boolean, reason?: string }>} `reason` says why there are none
 * @throws {Error} as runtime()
 */
export async function ensureNativeCrypto({ log, force = false }) {
  const wanted = whatIsWanted();
  const result = (force ? undefined : remembered(wanted)) ?? (await built(wanted, { log, force }));
  if (!result.native) log(`SFTP runs without native ciphers and needs more CPU: ${result.reason}`);
  return result;
}

function whatIsWanted() {
  const { version } = JSON.parse(readFileSync(ssh2Manifest, "utf8"));
  return { ssh2: version, runtime: runtime().version, platform: `${process.platform}-${process.arch}` };
}

function remembered(wanted) {
  const record = readRecord();
  if (record === undefined || Object.keys(wanted).some((name) => record[name] !== wanted[name])) return undefined;
  if (record.native) return record.sha256 === sha256Of(addon) ? { native: true } : undefined;
  return record.toolchain === toolchain().found && !existsSync(addon)
    ? { native: false, reason: record.reason }
    : undefined;
}

function readRecord() {
  try {
    return JSON.parse(readFileSync(marker, "utf8"));
  } catch {
    return undefined;
  }
}

function sha256Of(file) {
  return existsSync(file) ? createHash("sha256").update(readFileSync(file)).digest("hex") : undefined;
}

async function built(wanted, { log, force }) {
  try {
    await acquireLock();
    try {
      // Another process may have done the work while this one waited for the lock.
      return (force ? undefined : remembered(wanted)) ?? (await builtAlone(wanted, log));
    } finally {
      rmSync(lock, { force: true });
    }
  } catch (error) {
    // Most likely a read-only installation. What it holds may have been built elsewhere, and be good.
    if (existsSync(addon) && (await probe(addon, log)) === undefined) return { native: true };
    return { native: false, reason: `they cannot be built in ${folder} (${error.code ?? error.message})` };
  }
}

async function builtAlone(wanted, log) {
  const result = await buildAndProbe(log);
  const proof = result.native ? { sha256: sha256Of(addon) } : { toolchain: toolchain().found };
  writeFileSync(marker, `${JSON.stringify({ ...wanted, ...result, ...proof }, undefined, 2)}\n`);
  return result;
}

async function buildAndProbe(log) {
  removeEarlierBuilds();
  const scratch = mkdtempSync(join(folder, scratchPrefix));
  try {
    const missing = missingForBuild();
    if (missing !== undefined) return { native: false, reason: missing };
    const started = Date.now();
    log(`building ssh2's native ciphers for Node ${runtime().version}, once`);
    const fresh = join(scratch, "build/Release/sshcrypto.node");
    const failure = (await build(scratch, log)) ?? (await probe(fresh, log));
    if (failure !== undefined) return { native: false, reason: failure };
    mkdirSync(dirname(addon), { recursive: true });
    renameSync(fresh, addon);
    log(`native ciphers built and checked in ${((Date.now() - started) / 1000).toFixed(1)} s`);
    return { native: true };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function removeEarlierBuilds() {
  rmSync(dirname(addon), { recursive: true, force: true });
  for (const name of readdirSync(folder)) {
    if (name.startsWith(scratchPrefix)) rmSync(join(folder, name), { recursive: true, force: true });
  }
  mkdirSync(dirname(marker), { recursive: true });
}

function missingForBuild() {
  const { missing } = toolchain();
  if (missing.length > 0) return `to build them, install ${missing.join(", ")}`;
  if (nodeGyp() === undefined) return "node-gyp, which comes with npm, was not found";
  return existsSync(join(headersFolder(), "include/node/node.h"))
    ? undefined
    : `Node's headers are not in ${headersFolder()}`;
}

/** The folder whose `include/node` belongs to the runtime: headers of any other Node make an addon that crashes. */
function headersFolder() {
  return dirname(dirname(realpathSync(runtime().path)));
}

function toolchain() {
  if (process.platform === "win32") return { found: "found by node-gyp", missing: [] };
  const tools = {
    python3: [process.env.npm_config_python, process.env.PYTHON, "python3", "python"],
    make: ["make", "gmake"],
    "a C++ compiler": [process.env.CXX, "c++", "g++", "clang++"],
  };
  const paths = Object.values(tools).map((names) => names.filter(Boolean).map(onPath).find(Boolean));
  return { found: paths.join(" "), missing: Object.keys(tools).filter((_, index) => paths[index] === undefined) };
}

function onPath(name) {
  const folders = name.includes("/") ? [""] : (process.env.PATH ?? "").split(delimiter);
  return folders.map((path) => join(path, name)).find(isExecutable);
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

function nodeGyp() {
  const npm = [process.env.npm_execpath, onPath("npm")].filter((path) => path && existsSync(path));
  const windowsNpm = join(dirname(process.execPath), "node_modules/npm/package.json");
  for (const origin of [...npm.map((path) => realpathSync(path)), windowsNpm]) {
    try {
      return createRequire(origin).resolve("node-gyp/bin/node-gyp.js");
    } catch {}
  }
  return undefined;
}

/** Compiles a copy of the addon's sources in `scratch`. Answers why it failed, undefined when it did not. */
async function build(scratch, log) {
  cpSync(join(folder, "binding.gyp"), join(scratch, "binding.gyp"));
  // Compiled with the headers of Node 24.19 or later, node::ObjectWrap aborts the process when such an object is
  // collected (mscdex/ssh2#1511, nodejs/node#65446). nan brings a class of the same name and use that does not.
  const source = readFileSync(join(folder, "src/binding.cc"), "utf8").replace(/(?<![\w:])ObjectWrap\b/g, "Nan::$&");
  mkdirSync(join(scratch, "src"));
  writeFileSync(join(scratch, "src/binding.cc"), source);
  const opensslMajor = runtime().openssl.split(".")[0];
  const args = [
    nodeGyp(),
    "rebuild",
    "--silent",
    `--nodedir=${headersFolder()}`,
    `--real_openssl_major=${opensslMajor}`,
  ];
  return failureOf(args, { what: "the build", log, cwd: scratch, env: buildEnvironment(), timeoutMs: buildMs });
}

/** node-gyp lets the environment overrule its arguments, so a user's own `nodedir` or `target` must not be there. */
function buildEnvironment() {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^npm_(package_)?config_/i.test(name) || name === "npm_config_python",
  );
  const path = `${dirname(runtime().path)}${delimiter}${process.env.PATH ?? ""}`;
  return { ...Object.fromEntries(kept), PATH: path, npm_config_nodedir: headersFolder() };
}

/** Runs the probe against one file. Answers why it failed, undefined when it did not. */
function probe(file, log) {
  const script = fileURLToPath(new URL("native-crypto-probe.mjs", import.meta.url));
  const args = ["--expose-gc", script, file];
  const what = "the check of the build";
  return failureOf(args, { what, log, cwd: dirname(file), env: process.env, timeoutMs: probeMs });
}

/** Runs the runtime with `args`. Answers undefined after exit code 0, otherwise how it ended; logs the last lines. */
function failureOf(args, { what, log, cwd, env, timeoutMs }) {
  // Its own process group, so that running out of time ends the compiler too.
  const child = spawn(runtime().path, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"], detached: true });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text) => {
      output = (output + text).slice(-noiseCharacters);
    });
  }
  let ending;
  const timer = setTimeout(() => {
    ending = `took more than ${timeoutMs / 1000} s`;
    killGroup(child);
  }, timeoutMs);
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => {
      clearTimeout(timer);
      if (code === 0) return resolve(undefined);
      for (const line of output.trim().split("\n").slice(-noiseLines)) log(`  ${line}`);
      return resolve(`${what} ${ending ?? `ended with ${signal ?? `exit code ${code}`}`}`);
    });
  });
}

function killGroup(child) {
  if (process.platform === "win32") child.kill();
  else process.kill(-child.pid, "SIGKILL");
}

/**
 * Waits until no other process builds. Two that take over a stale lock at the same moment may spoil each other's
 * build; what is left then is not what the record says, and the next start builds again.
 */
async function acquireLock() {
  for (;;) {
    try {
      writeFileSync(lock, String(process.pid), { flag: "wx" });
      return;
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
    }
    if (lockIsStale()) rmSync(lock, { force: true });
    else await delay(lockPollMs);
  }
}

function lockIsStale() {
  try {
    if (Date.now() - statSync(lock).mtimeMs > lockMs) return true;
    const holder = Number(readFileSync(lock, "utf8"));
    return holder > 0 && !isAlive(holder);
  } catch {
    return false;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const result = await ensureNativeCrypto({ log: console.log, force: process.argv.includes("--force") });
  if (result.native) console.log("native ciphers are in place");
  process.exitCode = result.native ? 0 : 1;
}
