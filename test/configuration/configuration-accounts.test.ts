import assert from "node:assert/strict";
import { renameSync, rmSync } from "node:fs";
import { afterEach, beforeEach, test } from "node:test";
import type { Configuration } from "../../adapters/node/configuration/configuration.ts";
import { createConfigurationAccounts } from "../../adapters/node/configuration/configuration-accounts.ts";
import { loadConfiguration } from "../../adapters/node/configuration/load-configuration.ts";
import type { Log } from "../../ports/runtime.ts";
import { passwordHash, Workspace } from "./workspace.ts";

let workspace: Workspace;
let nowMs: number;
let logged: string[];
let changes: Configuration[];

beforeEach(() => {
  workspace = new Workspace();
  [nowMs, logged, changes] = [0, [], []];
});

afterEach(() => workspace[Symbol.dispose]());

function openAccounts(text: string) {
  const loaded = loadConfiguration(workspace.write("ferrygate.yaml", text));
  assert.ok(loaded.ok);
  const keep =
    (level: string): Log["info"] =>
    (message, fields = {}) =>
      logged.push(`${level} ${message} ${JSON.stringify(fields.problems ?? "")}`);
  const log = { info: keep("info"), warn: keep("warn"), error: keep("error") };
  return createConfigurationAccounts(loaded, { now: () => nowMs, log }, ({ configuration }) =>
    changes.push(configuration),
  );
}

const named = (...names: string[]) => `accounts: [${names.map((name) => `{ name: ${name} }`).join(", ")}]\n`;

test("an account is found by exactly its name", async () => {
  const accounts = openAccounts(named("acme"));
  assert.equal((await accounts.find("acme"))?.name, "acme");
  for (const name of ["ACME", "acme ", "", "toString", "__proto__"]) assert.equal(await accounts.find(name), undefined);
});

test("a change of the file is in force one second later, and not looked for sooner", async () => {
  const accounts = openAccounts(named("acme"));
  workspace.write("ferrygate.yaml", named("acme", "other"));
  nowMs += 999;
  assert.equal(await accounts.find("other"), undefined);
  nowMs += 1;
  assert.equal((await accounts.find("other"))?.name, "other");
  assert.deepEqual(
    changes.map(({ accounts: changed }) => changed.size),
    [2],
  );
  assert.equal(accounts.current(), changes[0]);
});

test("a file that is replaced by another of the same size is noticed", async () => {
  const accounts = openAccounts(named("acme"));
  renameSync(workspace.write("new.yaml", named("beta")), accounts.current().file);
  nowMs += 1000;
  assert.equal(await accounts.find("acme"), undefined);
  assert.ok(await accounts.find("beta"));
});

test("a file with problems leaves the last good one in force and is reported once", async () => {
  const accounts = openAccounts(named("acme"));
  const file = workspace.write("ferrygate.yaml", "acounts: []\n");
  for (let second = 0; second < 3; second++) {
    nowMs += 1000;
    assert.ok(await accounts.find("acme"));
  }
  const problem = `${file}:1:1: unknown key \\"acounts\\" — did you mean \\"accounts\\"?`;
  assert.deepEqual(logged, [
    `error the changed configuration has problems; the last good one stays in force ["${problem}"]`,
  ]);
  workspace.write("ferrygate.yaml", named("mended"));
  nowMs += 1000;
  assert.ok(await accounts.find("mended"));
  assert.equal(changes.length, 1);
});

test("a file that vanishes leaves the last good one in force", async () => {
  const accounts = openAccounts(named("acme"));
  rmSync(accounts.current().file);
  nowMs += 1000;
  assert.ok(await accounts.find("acme"));
  assert.match(logged.join(), /there is no such file/);
});

test("a changed secret file is noticed, also when it was missing before", async () => {
  workspace.write("hash.txt", passwordHash);
  const accounts = openAccounts("accounts: [{ name: acme, password: { file: hash.txt } }]\n");
  const changed = passwordHash.replace(/A$/, "E");
  rmSync(`${workspace.folder}/hash.txt`);
  nowMs += 1000;
  assert.equal((await accounts.find("acme"))?.passwordHash, passwordHash);
  workspace.write("hash.txt", changed);
  nowMs += 1000;
  assert.equal((await accounts.find("acme"))?.passwordHash, changed);
});

test("a clock that is set back does not put the next look off", async () => {
  nowMs = 10_000_000;
  const accounts = openAccounts(named("acme"));
  workspace.write("ferrygate.yaml", named("acme", "other"));
  nowMs = 0;
  assert.ok(await accounts.find("other"));
});

test("a changed server section is pointed out, because only a start reads it", () => {
  const accounts = openAccounts("server: { http: false }\n");
  workspace.write("ferrygate.yaml", "server: { sftp: false }\n");
  nowMs += 1000;
  accounts.current();
  assert.match(logged.join("\n"), /warn the server section .* restart/);
});
