import assert from "node:assert/strict";
import { after, suite, test } from "node:test";
import { fileURLToPath } from "node:url";
import { hostKeyFingerprint } from "../../adapters/node/host-keys.ts";
import { readHostKeysSecret } from "../../gateway/gateway-secrets.ts";
import { Workspace } from "../configuration/workspace.ts";
import { runProgram } from "../support/run-program.ts";
import { generateSshKeyPair } from "../support/ssh-key-pair.ts";

const launcher = fileURLToPath(new URL("../../bin/ferrygate.mjs", import.meta.url));

suite("ferrygate host-keys", () => {
  const workspace = new Workspace();
  after(() => workspace[Symbol.dispose]());
  const hostKeys = (args: readonly string[], input = "") =>
    runProgram(process.execPath, [launcher, "host-keys", ...args], { cwd: workspace.folder, input });

  test("new keys are a secret that the gateway reads, and the fingerprints are told apart from it", async () => {
    const made = await hostKeys([]);
    const fingerprints = readHostKeysSecret(made.stdout).map((hostKey) => `${hostKeyFingerprint(hostKey)}\n`);
    assert.deepEqual({ exitCode: made.exitCode, stderr: made.stderr }, { exitCode: 0, stderr: fingerprints.join("") });
    const shown = await hostKeys(["--show"], made.stdout);
    assert.deepEqual([shown.exitCode, shown.stdout], [0, fingerprints.join("")]);
  });

  test("keys of another server are taken over, each under its type", async () => {
    const [ecdsa, rsa] = [generateSshKeyPair("ecdsa"), generateSshKeyPair("rsa")];
    workspace.write("ecdsa", ecdsa.private);
    workspace.write("rsa", rsa.private);
    const { exitCode, stdout } = await hostKeys(["--import", "rsa", "ecdsa"]);
    assert.equal(exitCode, 0);
    assert.deepEqual(JSON.parse(stdout), { ecdsa: ecdsa.private, rsa: rsa.private });
  });

  test("what is no private key, or the second of its type, is refused by the name of its file", async () => {
    const pair = generateSshKeyPair("ecdsa");
    workspace.write("one", pair.private);
    workspace.write("two", pair.private);
    workspace.write("one.pub", pair.public);
    workspace.write("text", "no key");
    const refusals = [
      [["--import", "one", "two"], /two: there is an ecdsa key already/],
      [["--import", "one.pub"], /one\.pub is not a host key: it is a public key/],
      [["--import", "text"], /text is not a host key/],
    ] as const;
    for (const [args, message] of refusals) {
      const { exitCode, stdout, stderr } = await hostKeys(args);
      assert.deepEqual([exitCode, stdout], [1, ""]);
      assert.match(stderr, message);
    }
    assert.match((await hostKeys(["--show"], "[]")).stderr, /standard input is not a secret with host keys/);
    assert.equal((await hostKeys(["--show", "--import", "one"])).exitCode, 2);
  });
});
