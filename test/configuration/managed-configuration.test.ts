import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, test } from "node:test";
import type { ManagedConfiguration } from "../../adapters/local/configuration/managed-configuration.ts";
import { ConfigurationError } from "../../core/configuration-error.ts";
import { FileError } from "../../core/errors.ts";
import { ManagedWorkspace } from "../support/managed-configuration.ts";
import { passwordHash } from "./workspace.ts";

let workspace: ManagedWorkspace;

beforeEach(() => {
  workspace = new ManagedWorkspace();
});

afterEach(() => workspace[Symbol.dispose]());

const twoAccounts = `groups:
  - name: partners
    permissions: [["/shared/\${USER}/*", allow-read], [allow-list]]
accounts:
  - name: acme
    groups: [partners]
    password: "${passwordHash}"
    permissions: [["/inbox/*", allow-write]]
  - name: beta
    groups: [partners]
`;
const named = (...names: string[]) => `accounts: [${names.map((name) => `{ name: ${name} }`).join(", ")}]\n`;
const namesOf = (configuration: ManagedConfiguration) => [...configuration.current().accounts.keys()].sort();

async function events({ store }: ManagedConfiguration): Promise<unknown[]> {
  const kept = await store.unrecordedEvents();
  return kept.map(({ data: { kind, name, operation, source } }) => [kind, name, operation, source].join(" "));
}

test("the file seeds the store with every default; nothing of that is a change", async () => {
  const configuration = workspace.open(twoAccounts);
  const entry = await configuration.store.find("account", "beta");
  assert.deepEqual(entry?.value, {
    name: "beta",
    groups: ["partners"],
    publicKeys: [],
    roles: [],
    enabled: true,
    folders: {},
    permissions: [],
  });
  assert.equal(entry.origin, "file");
  assert.deepEqual(await events(configuration), []);
});

test("only the owner may read the store", { skip: process.platform === "win32" }, () => {
  workspace.open(twoAccounts);
  assert.equal(statSync(workspace.storeFile).mode & 0o777, 0o600);
});

test("a change is in force for the next question, and the rest of the configuration is untouched", async () => {
  const configuration = workspace.open(twoAccounts);
  const beta = configuration.current().accounts.get("beta");
  await workspace.change(configuration, ["account", "acme"], { enabled: false, permissions: [["allow-read"]] });
  const acme = await configuration.find("acme");
  assert.equal(acme?.enabled, false);
  assert.equal(acme.permissions[0]?.label, "account acme, permissions[0] (management API): [allow-read]");
  assert.equal(configuration.current().accounts.get("beta"), beta);
  assert.equal(workspace.changes.length, 1);
  assert.deepEqual(await events(configuration), ["account acme changed api"]);
});

test("rules of the file keep saying where they stand, also beside a changed group", async () => {
  const configuration = workspace.open(twoAccounts);
  await workspace.change(configuration, ["group", "partners"], { permissions: [[`/\${USER}`, "allow-read"]] });
  const acme = await configuration.find("acme");
  assert.match(acme?.permissions[0]?.label ?? "", /ferrygate\.yaml:8/);
  assert.deepEqual(
    acme?.groups.map(({ permissions }) =>
      permissions.map(({ label, expression }) => [label, expression?.matches("/acme")]),
    ),
    [[[`group partners, permissions[0] (management API): ["/\${USER}", allow-read]`, true]]],
  );
});

test("a restart keeps what the API made, changed and removed", async () => {
  const before = workspace.open(named("acme", "beta", "gamma"));
  await workspace.change(before, ["account", "made"], {});
  await workspace.change(before, ["account", "acme"], { enabled: false });
  await workspace.change(before, ["account", "beta"], undefined);
  const after = workspace.open();
  assert.deepEqual(namesOf(after), ["acme", "gamma", "made"]);
  assert.equal((await after.find("acme"))?.enabled, false);
  assert.equal((await after.store.find("account", "gamma"))?.origin, "file");
  assert.equal((await after.store.find("account", "made"))?.origin, "api");
});

test("an entry that the file changes overrides what the API made of it; the others keep theirs", async () => {
  const configuration = workspace.open(named("acme", "beta"));
  await workspace.change(configuration, ["account", "acme"], { enabled: false });
  await workspace.change(configuration, ["account", "beta"], { enabled: false });
  workspace.rewrite(configuration, "accounts: [{ name: acme, home: elsewhere }, { name: beta }]\n");
  const acme = await configuration.find("acme");
  assert.deepEqual([acme?.enabled, acme?.home], [true, "elsewhere"]);
  assert.equal((await configuration.find("beta"))?.enabled, false);
  assert.equal((await events(configuration)).at(-1), "account acme changed file");
});

test("an entry that the file drops goes, unless the API made it", async () => {
  const configuration = workspace.open(named("acme", "beta"));
  await workspace.change(configuration, ["account", "acme"], { enabled: false });
  await workspace.change(configuration, ["account", "made"], {});
  workspace.rewrite(configuration, named("beta"));
  assert.deepEqual(namesOf(configuration), ["beta", "made"]);
  assert.equal((await events(configuration)).at(-1), "account acme deleted file");
  workspace.rewrite(configuration, named("beta", "made"));
  workspace.rewrite(configuration, named("beta"));
  assert.deepEqual(namesOf(configuration), ["beta"], "the file took it over, so it is the file's to drop");
});

test("an entry that the API removed stays away until the file changes it", async () => {
  const configuration = workspace.open(named("acme", "beta"));
  await workspace.change(configuration, ["account", "acme"], undefined);
  workspace.rewrite(configuration, named("acme", "beta", "gamma"));
  assert.deepEqual(namesOf(configuration), ["beta", "gamma"]);
  workspace.rewrite(configuration, "accounts: [{ name: acme, enabled: false }]\n");
  assert.deepEqual(namesOf(configuration), ["acme"]);
});

test("a file that changes while no server runs is met by the next start, entry by entry", async () => {
  const before = workspace.open(named("acme", "beta"));
  await workspace.change(before, ["account", "beta"], { enabled: false });
  const after = workspace.open(named("beta", "gamma"));
  assert.deepEqual(namesOf(after), ["beta", "gamma"]);
  assert.equal((await after.find("beta"))?.enabled, false);
  assert.deepEqual((await events(after)).slice(1).sort(), ["account acme deleted file", "account gamma created file"]);
});

test("a file that is empty at first makes changes later", async () => {
  const configuration = workspace.open("groups: []\n");
  workspace.rewrite(configuration, named("acme"));
  assert.deepEqual(await events(configuration), ["account acme created file"]);
});

test("a change of another process is in force within a second", async () => {
  const server = workspace.open(named("acme"));
  const other = workspace.open();
  await workspace.change(other, ["account", "acme"], { enabled: false });
  assert.equal((await server.find("acme"))?.enabled, true);
  workspace.nowMs += 1000;
  assert.equal((await server.find("acme"))?.enabled, false);
});

test("rules of the file keep their order, and those of the API follow in the order of their names", async () => {
  const rule = (name: string) => `{ name: ${name}, do: [{ move: /outbox/ }] }`;
  const configuration = workspace.open(`dispatch: [${rule("second")}, ${rule("first")}]\n`);
  for (const name of ["zeta", "alpha"]) {
    await workspace.change(configuration, ["dispatch-rule", name], { do: [{ copy: "/x/" }] });
  }
  await workspace.change(configuration, ["dispatch-rule", "second"], { enabled: false, do: [{ copy: "/x/" }] });
  const rules = configuration.current().dispatch;
  assert.deepEqual(
    rules.map(({ name, enabled }) => [name, enabled]),
    [
      ["second", false],
      ["first", true],
      ["alpha", true],
      ["zeta", true],
    ],
  );
});

async function refusalOf(change: Promise<unknown>): Promise<unknown> {
  try {
    await change;
    return "no refusal";
  } catch (error) {
    if (error instanceof ConfigurationError) return [error.code, ...error.problems.map(({ field }) => field)];
    return error instanceof FileError ? error.code : error;
  }
}

test("what breaks the form, or names what is not there, is refused with every place", async () => {
  const configuration = workspace.open(twoAccounts);
  const refusal = (value: object) => refusalOf(workspace.change(configuration, ["account", "new"], { ...value }));
  const wrong = {
    permissions: [["/a", "allow-wrote"], ["allow-read"], ["allow-list"]],
    sources: ["1.2.3.4/99"],
    colour: "red",
  };
  assert.deepEqual(await refusal(wrong), [
    "invalid-entry",
    "sources[0]",
    "permissions[0][1]",
    "permissions[2]",
    "colour",
  ]);
  assert.deepEqual(await refusal({ groups: ["partners", "nobody"] }), ["invalid-entry", "groups[1]"]);
  assert.deepEqual(await refusal({ password: "clear text" }), ["invalid-entry", "password"]);
  assert.deepEqual(await refusal({ password: { file: "/etc/passwd" } }), ["invalid-entry", "password.file"]);
  assert.deepEqual(await refusal({ password: { env: "HOME" } }), ["invalid-entry", "password.env"]);
  const rule = { when: { accounts: ["acme", "nobody"] }, do: [{ move: "/x/" }] };
  const ruleChange = workspace.change(configuration, ["dispatch-rule", "r"], rule);
  assert.deepEqual(await refusalOf(ruleChange), ["invalid-entry", "when.accounts[1]"]);
  assert.deepEqual(await events(configuration), []);
});

test("what others name cannot be removed", async () => {
  const rule = "dispatch: [{ name: rule, when: { accounts: [beta] }, do: [{ move: /x/ }] }]\n";
  const configuration = workspace.open(twoAccounts + rule);
  const removal = (kind: "account" | "group", name: string) => workspace.change(configuration, [kind, name], undefined);
  await assert.rejects(removal("group", "partners"), {
    code: "conflict",
    message: "the group partners is in use by account acme, account beta",
  });
  await assert.rejects(removal("account", "beta"), { message: "the account beta is in use by dispatch rule rule" });
  await removal("account", "acme");
  await assert.rejects(removal("account", "acme"), { code: "not-found" });
});

test("a precondition that does not hold changes nothing", async () => {
  const configuration = workspace.open(named("acme"));
  const etag = (await configuration.store.find("account", "acme"))?.etag ?? "";
  const change = (name: string, precondition: object) =>
    refusalOf(workspace.change(configuration, ["account", name], { enabled: false }, { precondition }));
  assert.equal(await change("acme", { ifNoneMatch: "*" }), "precondition-failed");
  assert.equal(await change("new", { ifMatch: "*" }), "precondition-failed");
  assert.equal(await change("acme", { ifMatch: ["other"] }), "precondition-failed");
  assert.equal(await change("acme", { ifMatch: ["other", etag] }), "no refusal");
  assert.equal(await change("acme", { ifMatch: [etag] }), "precondition-failed");
  assert.equal(await change("new", { ifNoneMatch: "*" }), "no refusal");
});

test("a dry run answers the outcome and changes nothing; a change without effect leaves no event", async () => {
  const configuration = workspace.open(named("acme"));
  const tried = await workspace.change(configuration, ["account", "acme"], { home: "new" }, { dryRun: true });
  assert.equal(tried.after?.value.home, "new");
  assert.equal((await configuration.find("acme"))?.home, "acme");
  const same = await workspace.change(configuration, ["account", "acme"], { enabled: true, roles: [] });
  assert.equal(same.before?.etag, same.after?.etag);
  assert.deepEqual(await events(configuration), []);
  assert.equal(workspace.changes.length, 0);
});

test("what the file no longer has and the API still names is pointed out and harms nobody", async () => {
  const configuration = workspace.open(twoAccounts);
  await workspace.change(configuration, ["account", "made"], { groups: ["partners"] });
  workspace.rewrite(configuration, named("acme"));
  assert.deepEqual((await configuration.find("made"))?.groups, []);
  const warning = workspace.runtime.logged.find(({ level }) => level === "warn");
  assert.match(JSON.stringify(warning?.fields), /account made: groups\[0\]: there is no group .*partners/);
});

test("an entry that this program cannot read is not in force and keeps nobody else out", async () => {
  const database = workspace.openDatabase();
  database.write({ kind: "account", name: "odd", value: '{"name":"odd","colour":"red"}' }, "2026-01-01T00:00:00.000Z");
  const configuration = workspace.open(named("acme"));
  assert.deepEqual(namesOf(configuration), ["acme"]);
  assert.match(JSON.stringify(workspace.runtime.logged), /unknown key/);
});

test("secrets of files are in the store, so that a changed file is a changed entry", async () => {
  workspace.write(passwordHash, "hash.txt");
  const configuration = workspace.open("accounts: [{ name: acme, password: { file: hash.txt } }]\n");
  assert.equal((await configuration.store.find("account", "acme"))?.value.password, passwordHash);
  workspace.write(passwordHash.replace(/A$/, "E"), "hash.txt");
  workspace.nowMs += 1000;
  configuration.current();
  const [event] = await configuration.store.unrecordedEvents();
  assert.deepEqual(event?.data.fields, ["password"]);
  assert.doesNotMatch(JSON.stringify(event), /argon2/);
});

test("while another process holds the store, a change is refused as unavailable and a changed file waits", async () => {
  const configuration = workspace.open(named("acme"));
  const holder = new DatabaseSync(workspace.storeFile);
  holder.exec("BEGIN IMMEDIATE");
  const change = workspace.change(configuration, ["account", "acme"], { enabled: false });
  assert.equal(await refusalOf(change), "unavailable");
  workspace.rewrite(configuration, named("acme", "beta"));
  assert.deepEqual(namesOf(configuration), ["acme"]);
  holder.exec("ROLLBACK");
  holder.close();
  workspace.nowMs += 1000;
  assert.deepEqual(namesOf(configuration), ["acme", "beta"]);
});

test("a file whose rule makes a loop with a pull of the API is refused at its place, by a start too", async () => {
  const withRule = (path: string) => `accounts: [{ name: acme }]
destinations: [{ name: site, url: "s3://bucket/in" }]
dispatch:
  - { name: back, do: [{ push: { destination: site, path: ${path} } }] }
`;
  const configuration = workspace.open(withRule("/sent/"));
  const pull = { destination: "site", from: "/out", account: "acme", to: "/inbox", schedule: "0 6 * * *" };
  await workspace.change(configuration, ["pull", "fetch"], pull);
  workspace.rewrite(configuration, withRule("/out/"));
  const inForce = () => configuration.current().dispatch.flatMap(({ steps }) => steps)[0];
  assert.match(JSON.stringify(inForce()), /sent/, "the last good version stays in force");
  const problem =
    /ferrygate\.yaml:4:13: the pull fetch would fetch .* rule back .*; the pull is one of the management API/;
  assert.match(JSON.stringify(workspace.runtime.logged.at(-1)), problem);
  assert.throws(() => workspace.open(), problem);
  await workspace.change(configuration, ["pull", "fetch"], undefined);
  assert.match(JSON.stringify(inForce()), /out/, "it comes into force when what was in its way is gone");
});

test("a file that drops what entries of the API need comes into force, and each need is pointed out", async () => {
  const configuration = workspace.open('mail: { smtp: "smtp://localhost", from: a@example.com }\n');
  const email = { to: ["ops@example.com"], subject: "s" };
  await workspace.change(configuration, ["alert-rule", "told"], { when: { types: ["file.deleted"] }, email });
  workspace.rewrite(configuration, "accounts: []\n");
  assert.equal(configuration.current().mail, undefined);
  assert.match(JSON.stringify(workspace.runtime.logged.at(-1)), /alert rule told: email: alerts are sent by e-mail/);
  const again = workspace.change(configuration, ["alert-rule", "told"], { when: { types: ["file.copied"] }, email });
  await assert.rejects(again, /the key "mail" is missing in the configuration file/);
});
