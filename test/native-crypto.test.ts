import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { programOrSkip } from "./support/require-program.ts";
import { type ProgramResult, runProgram } from "./support/run-program.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const cryptoFolder = "node_modules/ssh2/lib/protocol/crypto";
const noCompiler = programOrSkip("make") || programOrSkip("g++") || programOrSkip("python3");

function runScript(directory: string, name: string, args: string[], env = {}): Promise<ProgramResult> {
  return runProgram(process.execPath, ["--expose-gc", join(directory, "scripts", name), ...args], { env });
}

describe("ssh2's native ciphers", () => {
  it("are in place", { skip: noCompiler }, async () => {
    const { exitCode, stdout } = await runScript(root, "native-crypto.mjs", []);
    assert.equal(exitCode, 0, stdout);
    assert.match(stdout, /native ciphers are in place/);
  });

  it("survive the collection of thousands of them", { skip: noCompiler }, async () => {
    const { exitCode, stdout, stderr } = await runScript(root, "native-crypto-probe.mjs", []);
    assert.equal(exitCode, 0, stderr);
    assert.match(stdout, /^10000 ciphers made and dropped$/m);
  });
});

describe("the build of ssh2's native ciphers", () => {
  let directory: string;
  let addon: string;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "ferrygate-test-"));
    addon = join(directory, cryptoFolder, "build/Release/sshcrypto.node");
    await mkdir(join(directory, "node_modules"));
    await cp(join(root, "scripts"), join(directory, "scripts"), { recursive: true });
    await cp(join(root, "node_modules/ssh2"), join(directory, "node_modules/ssh2"), { recursive: true });
    for (const name of readdirSync(join(root, "node_modules")).filter((entry) => entry !== "ssh2")) {
      await symlink(join(root, "node_modules", name), join(directory, "node_modules", name));
    }
  });
  after(() => rm(directory, { recursive: true, force: true }));

  /** As after an installation that let ssh2 build for some other Node. */
  async function plantAddon(): Promise<void> {
    await rm(join(directory, cryptoFolder, "build"), { recursive: true, force: true });
    await mkdir(dirname(addon), { recursive: true });
    await writeFile(addon, "built for another Node");
  }

  it("says what is missing, and removes what nobody has checked", async () => {
    await plantAddon();
    const env = { PATH: directory, CXX: "", PYTHON: "", npm_config_python: "" };
    for (const attempt of ["first", "second"]) {
      const { exitCode, stdout } = await runScript(directory, "native-crypto.mjs", [], env);
      assert.equal(exitCode, 1, attempt);
      assert.match(stdout, /^SFTP runs without native ciphers .*: to build them, install python3, make, a C\+\+ /);
      assert.deepEqual(readdirSync(join(directory, cryptoFolder, "build")), ["ferrygate.json"]);
    }
  });

  it("does not trust what does not load", async () => {
    await plantAddon();
    const { exitCode, stderr } = await runScript(directory, "native-crypto-probe.mjs", [addon]);
    assert.equal(exitCode, 1);
    assert.match(stderr, /the addon does not load/);
  });

  it("happens once when several processes start together", { skip: noCompiler }, async () => {
    await plantAddon();
    const starts = [1, 2, 3].map(() => runScript(directory, "native-crypto.mjs", []));
    const results = await Promise.all(starts);
    assert.deepEqual(
      results.map(({ exitCode }) => exitCode),
      [0, 0, 0],
      results.map(({ stdout, stderr }) => stdout + stderr).join("\n"),
    );
    assert.equal(results.filter(({ stdout }) => stdout.includes("building")).length, 1);
    assert.deepEqual(readdirSync(join(directory, cryptoFolder)).sort(), ["binding.gyp", "build", "poly1305.js", "src"]);
  });
});
