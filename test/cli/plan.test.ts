import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import {
  disposeProduct,
  type Product,
  password,
  startProduct,
  temporaryDirectory,
  testConfiguration,
  writeIdentity,
} from "../support/product.ts";
import { type ProgramResult, runProgram } from "../support/run-program.ts";

const launcher = fileURLToPath(new URL("../../bin/ferrygate.mjs", import.meta.url));
const credentials = { FERRYGATE_USERNAME: "admin", FERRYGATE_PASSWORD: password };

let product: Product;
let configuration: string;

before(async () => {
  const directory = await temporaryDirectory();
  const { publicKey } = await writeIdentity(directory);
  configuration = await testConfiguration(publicKey, "  - name: acme\n    permissions: [[allow-list]]\n");
  product = await startProduct({ directory, configuration });
});

after(() => disposeProduct(product));

function ferrygate(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<ProgramResult> {
  return runProgram(process.execPath, [launcher, ...args], { env });
}

async function writeFileOf(name: string, text: string): Promise<string> {
  const file = join(product.directory, name);
  await writeFile(file, text);
  return file;
}

async function api(method: string, path: string, body?: unknown): Promise<Response> {
  return fetch(product.endpoints.http.url + path, {
    method,
    headers: {
      authorization: `Basic ${Buffer.from(`admin:${password}`).toString("base64")}`,
      ...(body !== undefined && { "content-type": "application/json" }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
}

const ofData = (file: string) => ["--config", file, "--data", product.dataDirectory];
const ofApi = (file: string) => ["--config", file, "--url", product.endpoints.http.url];

test("plan shows what the API made of the file, and apply takes it back, with an event for each entry", async () => {
  const { configurationFile } = product;
  const same = await ferrygate(["plan", ...ofData(configurationFile)]);
  assert.deepEqual([same.exitCode, same.stdout], [0, "no difference\n"]);
  await api("PUT", "/v1/accounts/acme", {
    enabled: false,
    password: { clear: "secret" },
    permissions: [["allow-read"]],
  });
  await api("PUT", "/v1/groups/made", { permissions: [["allow-list"]] });
  const expected = [
    "~ account acme",
    "    password: (set) → (none)",
    "    enabled: false → true",
    '    permissions[0]: ["allow-read"] → ["allow-list"]',
    "- group made",
    "0 to add, 1 to change, 1 to remove",
  ];
  for (const target of [ofData, ofApi]) {
    const plan = await ferrygate(["plan", ...target(configurationFile)], credentials);
    assert.deepEqual([plan.exitCode, plan.stdout.trimEnd().split("\n")], [2, expected]);
  }
  const applied = await ferrygate(["apply", ...ofData(configurationFile)]);
  assert.deepEqual([applied.exitCode, applied.stderr], [0, ""]);
  assert.equal((await ferrygate(["plan", ...ofData(configurationFile)])).exitCode, 0);
  const changes = await product.events("type=configuration.changed");
  assert.deepEqual(
    changes.map(({ message, data }) => `${message} ${data.source}`),
    ["account acme changed api", "group made created api", "account acme changed apply", "group made deleted apply"],
  );
});

test("apply over the API makes groups before accounts that have them, and removes them after", async () => {
  const groups = "groups: [{ name: partners }]\n";
  const grouped = configuration.replace("- name: acme", "- name: acme\n    groups: [partners]");
  const file = await writeFileOf("grouped.yaml", groups + grouped);
  const applied = await ferrygate(["apply", ...ofApi(file)], credentials);
  assert.deepEqual([applied.exitCode, applied.stderr], [0, ""]);
  const acme = (await (await api("GET", "/v1/accounts/acme")).json()) as { groups: string[] };
  assert.deepEqual(acme.groups, ["partners"]);
  assert.equal((await ferrygate(["plan", ...ofApi(file)], credentials)).exitCode, 0);
  const back = await ferrygate(["apply", ...ofApi(product.configurationFile)], credentials);
  assert.deepEqual([back.exitCode, back.stderr], [0, ""]);
  assert.equal((await api("GET", "/v1/groups/partners")).status, 404);
});

test("another password is a difference, over the API too, and is not shown", async () => {
  const other = await ferrygate(["hash-password"], {});
  assert.notEqual(other.exitCode, 0, "no password was given");
  const hash = (await runProgram(process.execPath, [launcher, "hash-password"], { input: "other\n" })).stdout.trim();
  const file = await writeFileOf("password.yaml", configuration.replace(/password: "[^"]*"/, `password: "${hash}"`));
  for (const target of [ofData, ofApi]) {
    const { exitCode, stdout } = await ferrygate(["plan", ...target(file)], credentials);
    assert.equal(exitCode, 2);
    assert.deepEqual(stdout.split("\n").slice(0, 2), ["~ account tester", "    password: (set) → (another)"]);
  }
});

test("an API token with the scope management is enough, in the environment or in a file", async () => {
  const { configurationFile } = product;
  const tokenWith = async (name: string, scopes: readonly string[]) => {
    const made = (await (await api("POST", "/v1/api-tokens", { name, scopes })).json()) as { token: string };
    return made.token;
  };
  const token = await tokenWith("pipeline", ["management"]);
  const file = await writeFileOf("token", `${token}\n`);
  await api("PUT", "/v1/groups/stray", { permissions: [["allow-list"]] });
  for (const environment of [{ FERRYGATE_TOKEN: token }, { FERRYGATE_TOKEN_FILE: file }]) {
    assert.equal((await ferrygate(["plan", ...ofApi(configurationFile)], environment)).exitCode, 2);
  }
  const narrow = { FERRYGATE_TOKEN: await tokenWith("reader", ["files:read", "events:read"]) };
  const refused = await ferrygate(["apply", ...ofApi(configurationFile)], narrow);
  assert.equal(refused.exitCode, 1);
  assert.match(refused.stderr, /403 .*the scope management/);
  assert.equal((await api("GET", "/v1/groups/stray")).status, 200, "nothing was changed");
  const applied = await ferrygate(["apply", ...ofApi(configurationFile)], { FERRYGATE_TOKEN_FILE: file });
  assert.deepEqual([applied.exitCode, applied.stderr], [0, ""]);
  assert.equal((await api("GET", "/v1/groups/stray")).status, 404);
  assert.equal((await ferrygate(["plan", ...ofApi(configurationFile)], { FERRYGATE_TOKEN: token })).exitCode, 0);
});

test("a server that cannot be reached is told with the reason", async () => {
  const args = ["plan", "--config", product.configurationFile, "--url", "http://127.0.0.1:9"];
  const { exitCode, stderr } = await ferrygate(args, { FERRYGATE_TOKEN: "fgt_unused" });
  assert.equal(exitCode, 1);
  assert.equal(stderr, "ferrygate: http://127.0.0.1:9 cannot be reached: bad port\n");
});

test("a file of a token that cannot be used says why, and not what is in it", async () => {
  const { configurationFile } = product;
  const none = await ferrygate(["plan", ...ofApi(configurationFile)], { FERRYGATE_TOKEN_FILE: "/does/not/exist" });
  assert.deepEqual([none.exitCode, none.stderr], [1, "ferrygate: FERRYGATE_TOKEN_FILE cannot be read: ENOENT\n"]);
  const file = await writeFileOf("two-lines", "fgt_secret\nmore\n");
  const wrong = await ferrygate(["plan", ...ofApi(configurationFile)], { FERRYGATE_TOKEN_FILE: file });
  assert.equal(wrong.exitCode, 1);
  assert.doesNotMatch(wrong.stderr, /secret/);
});

test("a plan that the server would refuse in the middle is refused before anything is changed", async () => {
  const withoutAdmin = await writeFileOf(
    "no-admin.yaml",
    `groups: [{ name: fresh }]\n${configuration.replace(/- name: admin$/m, "- name: another")}`,
  );
  const gone = await ferrygate(["apply", ...ofApi(withoutAdmin)], credentials);
  assert.equal(gone.exitCode, 1, gone.stdout);
  assert.match(gone.stderr, /nothing was changed:\n {2}account admin: this is the account that asks/);
  assert.equal((await api("GET", "/v1/groups/fresh")).status, 404);
  const withMail = `${configuration}
groups: [{ name: fresh }]
mail: { smtp: "smtp://127.0.0.1:2525", from: a@example.com }
alerts: [{ name: told, when: { groups: [fresh], types: [file.deleted] }, email: { to: [a@example.com], subject: s } }]
`;
  const mailing = await writeFileOf("mailing.yaml", withMail);
  for (const command of ["plan", "apply"]) {
    const { exitCode, stderr } = await ferrygate([command, ...ofApi(mailing)], credentials);
    assert.equal(exitCode, 1, command);
    assert.match(stderr, /alert rule told: email: alerts are sent by e-mail: the key "mail" is missing/);
  }
  assert.equal((await api("GET", "/v1/groups/fresh")).status, 404);
});

test("rules and pulls change places without a moment in which files would go round", async () => {
  const data = join(product.directory, "turning");
  const site = 'destinations: [{ name: site, url: "s3://bucket/in" }]\n';
  const turned = (sent: string, fetched: string) => `accounts: [{ name: acme }]
${site}dispatch: [{ name: back, do: [{ push: { destination: site, path: ${sent} } }] }]
pulls: [{ name: fetch, destination: site, from: ${fetched}, account: acme, to: /inbox, schedule: "0 6 * * *" }]
`;
  const versions = [
    turned("/a/", "/b"),
    // What is fetched has to change first, then what is sent has to.
    turned("/b/", "/c"),
    turned("/d/", "/b"),
    `accounts: [{ name: acme }]\n${site}dispatch: [{ name: back, do: [{ push: { destination: site, path: /b/ } }] }]\n`,
  ];
  for (const [index, text] of versions.entries()) {
    const file = await writeFileOf(`turned-${index}.yaml`, text);
    const { exitCode, stderr } = await ferrygate(["apply", "--config", file, "--data", data]);
    assert.deepEqual([exitCode, stderr], [0, ""], text);
  }
});

test("what goes wrong exits with 1 and leaves nothing behind", async () => {
  const bad = await writeFileOf("bad.yaml", "acounts: []\n");
  const problem = await ferrygate(["plan", ...ofData(bad)]);
  assert.deepEqual([problem.exitCode, problem.stdout], [1, ""]);
  assert.match(problem.stderr, /bad\.yaml:1:1: unknown key "acounts"/);
  const { configurationFile } = product;
  assert.equal((await ferrygate(["plan"])).exitCode, 1);
  assert.equal((await ferrygate(["plan", ...ofApi(configurationFile)])).exitCode, 1);
  const refused = await ferrygate(["apply", ...ofApi(configurationFile)], { ...credentials, FERRYGATE_PASSWORD: "no" });
  assert.deepEqual([refused.exitCode, /401/.test(refused.stderr)], [1, true]);
  const empty = join(product.directory, "empty");
  const { exitCode, stdout } = await ferrygate(["plan", "--config", configurationFile, "--data", empty]);
  assert.deepEqual([exitCode, existsSync(empty)], [2, false]);
  assert.match(stdout, /^\+ account tester$/m);
});

test("a plan without a place says where it looked in vain, and how to name another", async () => {
  const { configurationFile, directory, dataDirectory } = product;
  const planIn = (cwd: string, ...place: readonly string[]) =>
    runProgram(process.execPath, [launcher, "plan", "--config", configurationFile, ...place], { cwd });
  const elsewhere = await temporaryDirectory();
  const { exitCode, stderr, stdout } = await planIn(elsewhere);
  assert.equal(exitCode, 2);
  assert.match(stderr, /no server has run on .*\/data, so all of the file is new there; .* --url URL/);
  assert.match(stdout, /^\+ account tester$/m);
  assert.equal(existsSync(join(elsewhere, "data")), false);
  for (const place of [[], ["--data", dataDirectory]]) {
    assert.deepEqual(await planIn(directory, ...place), { exitCode: 0, stderr: "", stdout: "no difference\n" });
  }
  await rm(elsewhere, { recursive: true });
});
