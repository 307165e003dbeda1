import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { after, suite, test } from "node:test";
import { fileURLToPath } from "node:url";
import { createPasswordHasher } from "../../adapters/node/password-hasher.ts";
import { limits } from "../../core/limits.ts";
import { exampleConfiguration } from "../configuration/example.ts";
import { Workspace } from "../configuration/workspace.ts";
import { type ProgramResult, runProgram } from "../support/run-program.ts";

const launcher = fileURLToPath(new URL("../../bin/ferrygate.mjs", import.meta.url));
const workspace = new Workspace();
after(() => workspace[Symbol.dispose]());
workspace.write("good.yaml", exampleConfiguration);
const bad = workspace.write("bad.yaml", "accounts:\n  - nam: acme\nserver: { sfpt: false }\n");

/** Runs in the folder of the files, as a user would who names them without a path. */
function ferrygate(args: readonly string[], input = ""): Promise<ProgramResult> {
  return runProgram(process.execPath, [launcher, ...args], { cwd: workspace.folder, input });
}

suite("ferrygate check", () => {
  test("a good file exits with 0", async () => {
    const { exitCode, stdout } = await ferrygate(["check", "good.yaml"]);
    assert.deepEqual({ exitCode, stdout }, { exitCode: 0, stdout: "good.yaml: no problems\n" });
  });

  test("every problem is a line of FILE:line:column: message, the file as it was named, and exits with 1", async () => {
    const { exitCode, stdout } = await ferrygate(["check", "bad.yaml"]);
    const expected = [
      'bad.yaml:2:5: missing key "name"',
      'bad.yaml:2:5: unknown key "nam" — did you mean "name"?',
      'bad.yaml:3:11: unknown key "sfpt" — did you mean "sftp"?',
      "",
    ];
    assert.deepEqual({ exitCode, lines: stdout.split("\n") }, { exitCode: 1, lines: expected });
    assert.match((await ferrygate(["check", bad])).stdout, new RegExp(`^${bad}:2:5: `));
  });

  test("a file that is not there exits with 1", async () => {
    const { exitCode, stdout } = await ferrygate(["check", "missing.yaml"]);
    assert.equal(exitCode, 1);
    assert.equal(stdout, 'missing.yaml:1:1: cannot read "missing.yaml": there is no such file\n');
  });
});

suite("ferrygate explain", () => {
  const explain = (...args: string[]) => ferrygate(["explain", "--config", "good.yaml", ...args]);

  test("the decision, its rule, the path as it was read and its place in the store are printed", async () => {
    const { exitCode, stdout } = await explain("--account", "acme", "--action", "write", "inbox/x/../a.pdf");
    const expected = [
      "decision: allow",
      'rule: account acme, permissions[1] (good.yaml:21): ["/inbox/*", allow-list, allow-write]',
      "path: /inbox/a.pdf",
      "objectKey: acme/inbox/a.pdf",
      "",
    ];
    assert.deepEqual({ exitCode, lines: stdout.split("\n") }, { exitCode: 0, lines: expected });
  });

  test("an account that cannot log in is said to be so, whatever its permissions", async () => {
    const lines = [
      "groups: [{ name: shut, enabled: false }]",
      "accounts:",
      "  - { name: off, enabled: false, permissions: [[allow-read]] }",
      "  - { name: old, expires: 2020-01-01, permissions: [[allow-read]] }",
      "  - { name: member, groups: [shut], permissions: [[allow-read]] }",
      '  - { name: far, sources: ["10.0.0.0/8"], permissions: [[allow-read]] }',
    ];
    workspace.write("closed.yaml", `${lines.join("\n")}\n`);
    const said = async (name: string) => {
      const args = ["--config", "closed.yaml", "--account", name, "--action", "read", "/a"];
      return (await ferrygate(["explain", ...args])).stdout.split("\n").slice(4, -1);
    };
    assert.deepEqual(await said("off"), ["login: refused (account-disabled)"]);
    assert.deepEqual(await said("old"), ["login: refused (account-expired)"]);
    assert.deepEqual(await said("member"), ["login: refused (group-disabled)"]);
    assert.deepEqual(await said("far"), []);
  });

  test("a refusal is an answer too, and virtual folders are followed", async () => {
    const { exitCode, stdout } = await explain("--account", "acme", "--action", "delete", "/shared/a");
    assert.equal(exitCode, 0);
    assert.match(
      stdout,
      /^decision: deny\nrule: account acme, permissions\[0\] .*\npath: \/shared\/a\nobjectKey: shared\/a\n$/,
    );
  });

  test("unknown accounts and actions exit with 2 and name those that there are", async () => {
    const account = await explain("--account", "acne", "--action", "read", "/");
    assert.equal(account.exitCode, 2);
    assert.match(account.stderr, /no account "acne"; the accounts are acme\n/);
    const action = await explain("--account", "acme", "--action", "run", "/");
    assert.equal(action.exitCode, 2);
    assert.match(action.stderr, /no action "run"; the actions are read, stat, list, .*set-attributes\n/);
  });

  test("what is missing is named, with exit code 2", async () => {
    for (const [args, missing] of [
      [["--account", "acme", "--action", "read"], "PATH"],
      [["--action", "read", "/"], "--account NAME"],
      [["--account", "acme", "/"], "--action ACTION"],
    ] as const) {
      const { exitCode, stderr } = await explain(...args);
      assert.equal(exitCode, 2);
      assert.ok(stderr.startsWith(`ferrygate: ${missing} is missing\nUsage: ferrygate explain --config FILE`), stderr);
    }
  });

  test("a configuration with problems lists them and exits with 1", async () => {
    const args = ["explain", "--config", "bad.yaml", "--account", "acme", "--action", "read", "/"];
    const { exitCode, stdout } = await ferrygate(args);
    assert.equal(exitCode, 1);
    assert.match(stdout, /^bad\.yaml:2:5: missing key "name"\n/);
  });
});

suite("ferrygate hash-password", () => {
  const verify = createPasswordHasher().verify;

  test("the hash and nothing else is printed, of the password without its line break", async () => {
    for (const [input, password] of [
      ["correct horse\n", "correct horse"],
      ["correct horse", "correct horse"],
      ["pass\r\n", "pass"],
      [" p\u00e4ss \n\n", " p\u00e4ss \n"],
    ] as const) {
      const { exitCode, stdout, stderr } = await ferrygate(["hash-password"], input);
      assert.deepEqual([exitCode, stderr], [0, ""]);
      assert.match(stdout, /^\$argon2id\$\S+\n$/);
      assert.ok(await verify(password, stdout.trimEnd()));
    }
  });

  test("an empty password and one over the limit exit with 1 and a reason", async () => {
    const longest = "x".repeat(limits.passwordBytes);
    for (const [input, reason] of [
      ["", "the password is empty"],
      ["\n", "the password is empty"],
      [`${longest}x\n`, "the password is over 1024 bytes"],
      ["x".repeat(1_000_000), "the password is over 1024 bytes"],
    ] as const) {
      const { exitCode, stdout, stderr } = await ferrygate(["hash-password"], input);
      assert.deepEqual({ exitCode, stdout, stderr }, { exitCode: 1, stdout: "", stderr: `ferrygate: ${reason}\n` });
    }
    assert.equal((await ferrygate(["hash-password"], `${longest}\r\n`)).exitCode, 0);
  });

  test("bytes that are not UTF-8 are no password", () => {
    const result = spawnSync(process.execPath, [launcher, "hash-password"], { input: Buffer.of(0xff, 0x0a) });
    assert.equal(result.status, 1);
    assert.equal(result.stderr.toString(), "ferrygate: the password is not UTF-8 text\n");
  });
});

suite("ferrygate", () => {
  test("--help lists the commands, and each command has a help of its own", async () => {
    const { exitCode, stdout } = await ferrygate(["--help"]);
    assert.equal(exitCode, 0);
    for (const command of ["start", "check", "hash-password", "explain", "schema"]) {
      assert.ok(stdout.includes(`\n  ${command}`), command);
      const help = await ferrygate([command, "--help"]);
      assert.deepEqual([help.exitCode, help.stdout.startsWith(`Usage: ferrygate ${command}`)], [0, true]);
    }
  });

  test("--version prints the version", async () => {
    const { exitCode, stdout } = await ferrygate(["--version"]);
    assert.equal(exitCode, 0);
    assert.match(stdout, /^ferrygate \d+\.\d+\.\d+\S*\n$/);
  });

  test("schema prints a JSON Schema", async () => {
    assert.equal(JSON.parse((await ferrygate(["schema"])).stdout).$schema, "http://json-schema.org/draft-07/schema#");
  });

  test("a command line that cannot be understood exits with 2 and says so on standard error", async () => {
    for (const [args, message] of [
      [[], "a command is missing"],
      [["chek"], 'unknown command "chek"'],
      [["toString"], 'unknown command "toString"'],
      [["check"], "FILE is missing"],
      [["check", "a", "b"], 'unexpected argument "b"'],
      [["check", "--strict", "a"], "Unknown option '--strict'"],
      [["start", "--config"], "Option '--config <value>' argument missing"],
      [["hash-password", "secret"], "Unexpected argument 'secret'"],
    ] as const) {
      const { exitCode, stdout, stderr } = await ferrygate(args);
      assert.deepEqual([exitCode, stdout], [2, ""]);
      assert.ok(stderr.startsWith(`ferrygate: ${message}`) && stderr.includes("Usage: ferrygate"), stderr);
    }
  });
});
