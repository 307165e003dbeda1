import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, linkSync, readdirSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { Workspace } from "../configuration/workspace.ts";
import { programOrSkip } from "../support/require-program.ts";
import { runProgram } from "../support/run-program.ts";

const launcher = fileURLToPath(new URL("../../bin/ferrygate.mjs", import.meta.url));
const workspace = new Workspace();
after(() => workspace[Symbol.dispose]());
const good = workspace.write("good.yaml", 'server: { sftp: false, ftps: false, http: { listen: "127.0.0.1:0" } }\n');
const bad = workspace.write("bad.yaml", "acounts: []\n");

// The same program under another path is another Node, as far as the launcher can tell: it hands over.
const otherNode = join(workspace.folder, "node");
try {
  linkSync(process.execPath, otherNode);
} catch {
  copyFileSync(process.execPath, otherNode);
}

const isFromNpm = realpathSync(process.execPath).includes(join("node_modules", "node-"));
const skip = programOrSkip("the Node of npm", isFromNpm ? false : "npm's package of Node for this platform");

test("output, input and exit code are those of the command", { skip }, async () => {
  const { exitCode, stdout } = await runProgram(otherNode, [launcher, "check", good]);
  assert.deepEqual({ exitCode, stdout }, { exitCode: 0, stdout: `${good}: no problems\n` });
  assert.equal((await runProgram(otherNode, [launcher, "check", bad])).exitCode, 1);
  const hashed = await runProgram(otherNode, [launcher, "hash-password"], { input: "secret\n" });
  assert.match(hashed.stdout, /^\$argon2id\$/);
});

test("SIGTERM reaches the server, which drains and exits with 0", { skip }, async () => {
  const server = await startServer();
  server.kill("SIGTERM");
  assert.deepEqual(await once(server, "close"), [0, null]);
});

test("Ctrl-C, which a terminal sends to the whole process group, reaches the command once", { skip }, async () => {
  // Preloaded into the command, which would otherwise end with the first signal.
  const counter = workspace.write(
    "counter.mjs",
    `if (process.execPath !== ${JSON.stringify(realpathSync(otherNode))}) {
      process.on("SIGINT", () => console.error("SIGINT"));
      process.on("SIGTERM", () => process.exit(0));
      console.error("ready");
    }`,
  );
  const launched = spawn(otherNode, [launcher, "hash-password"], {
    stdio: ["pipe", "ignore", "pipe"],
    detached: true,
    env: { ...process.env, NODE_OPTIONS: `--import=${pathToFileURL(counter)}` },
  });
  const lines = createInterface(launched.stderr)[Symbol.asyncIterator]();
  assert.equal((await lines.next()).value, "ready");
  assert.ok(launched.pid);
  process.kill(-launched.pid, "SIGINT");
  assert.equal((await lines.next()).value, "SIGINT");
  // Passed on behind whatever else the launcher passes on.
  launched.kill("SIGTERM");
  assert.deepEqual(await lines.next(), { value: undefined, done: true });
});

test("the server ends when the launcher is killed", { skip }, async () => {
  const server = await startServer();
  server.kill("SIGKILL");
  // The pipe of its output closes when the last process that holds it has ended.
  assert.deepEqual(await once(server, "close"), [null, "SIGKILL"]);
});

test("the server drains when the shell is gone in which npm started it", { skip }, async () => {
  // A shell that waits for its command, as Debian's does also for the last one.
  const shell = await startServer("sh", ["-c", '"$0" "$@"; exit', otherNode], { npm_command: "run" });
  shell.kill("SIGTERM");
  await once(shell, "close");
  // It has given up the data folder, of which there is one server only.
  const next = await startServer();
  next.kill("SIGTERM");
  assert.deepEqual(await once(next, "close"), [0, null]);
});

test("what a start compiled is kept for the next one, also when the server is killed", { skip }, async () => {
  const folder = join(workspace.folder, "compiled");
  const server = await startServer(process.execPath, [], { NODE_COMPILE_CACHE: folder });
  server.kill("SIGKILL");
  await once(server, "close");
  assert.ok(readdirSync(folder, { recursive: true }).length > 100);
});

test("what is compiled is kept beside the packages, where whoever runs the server may write there", {
  skip,
}, async () => {
  const preload = workspace.write(
    "where.mjs",
    'import { getCompileCacheDir } from "node:module"; process.on("exit", () => console.log(getCompileCacheDir()));',
  );
  const args = [`--import=${pathToFileURL(preload)}`, launcher, "--version"];
  const { stdout } = await runProgram(process.execPath, args, { env: { NODE_COMPILE_CACHE: "" } });
  assert.ok(stdout.includes(join("node_modules", ".cache", "ferrygate")), stdout);
});

/** The launcher in a process group of its own, as a shell would start it. */
async function startServer(
  program = otherNode,
  programArguments: readonly string[] = [],
  environment: Readonly<Record<string, string>> = {},
): Promise<ChildProcess> {
  const args = [...programArguments, launcher, "start", "--config", good, "--data", join(workspace.folder, "data")];
  const env = { ...process.env, npm_command: undefined, ...environment };
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], detached: true, env });
  let output = "";
  const ready = new Promise<void>((resolve, reject) => {
    const read = (chunk: Buffer) => {
      output += chunk;
      if (output.includes("ferrygate ready")) resolve();
    };
    child.stdout.on("data", read);
    child.stderr.on("data", read);
    child.once("close", () => reject(new Error(`the server ended: ${output}`)));
  });
  await ready;
  return child;
}
