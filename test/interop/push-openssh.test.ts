import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { chmod, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { AccountingEvent } from "../../core/accounting-event.ts";
import {
  disposeProduct,
  type Product,
  password,
  startProduct,
  temporaryDirectory,
  testConfiguration,
  writeIdentity,
} from "../support/product.ts";
import { programOrSkip } from "../support/require-program.ts";
import { mustRun } from "../support/run-program.ts";
import { type SshServer, startSshServer } from "../support/ssh-server.ts";

const authorization = `Basic ${Buffer.from(`tester:${password}`).toString("base64")}`;
const adminAuthorization = `Basic ${Buffer.from(`admin:${password}`).toString("base64")}`;

describe("pushes to OpenSSH", { skip: programOrSkip("sshd") }, () => {
  let directory: string;
  let server: SshServer;
  let product: Product;
  const content = randomBytes(3_000_000);
  before(async () => {
    directory = await temporaryDirectory();
    server = await startSshServer(directory);
    const { publicKey } = await writeIdentity(directory);
    await writeFile(join(directory, "partner-key"), server.privateKey, { mode: 0o600 });
    await mkdir(join(server.files, "in"));
    const configuration = `${await testConfiguration(publicKey)}
destinations:
  - name: partner
    url: "sftp://127.0.0.1:${server.port}${server.files}"
    user: ${server.user}
    privateKey: { file: partner-key }
    hostKeys: ["SHA256:${server.hostKey}"]
    timeoutSeconds: 2
  - name: stranger
    url: "sftp://127.0.0.1:${server.port}${server.files}"
    user: ${server.user}
    privateKey: { file: partner-key }
    hostKeys: ["SHA256:${"A".repeat(43)}"]
  - name: dead
    url: "sftp://127.0.0.1:1/x"
    user: ${server.user}
    password: x
    hostKeys: ["SHA256:${"A".repeat(43)}"]
dispatch:
  - name: to-dead
    when: { path: "/dead/*" }
    do: [{ push: { destination: dead } }]
  - name: to-stranger
    when: { path: "/stranger/*" }
    do: [{ push: { destination: stranger } }, { delete: true }]
    otherwise: [{ move: /failed/ }]
  - name: refused
    when: { path: "/refused/*" }
    do: [{ push: { destination: partner, path: /locked/ } }, { delete: true }]
  - name: numbered
    when: { path: "/numbered/*" }
    do: [{ push: { destination: partner, path: /in/ }, overwrite: number }]
  - name: replaced
    when: { path: "/replaced/*" }
    do: [{ push: { destination: partner, path: /in/ }, overwrite: replace }]
  - name: skipped
    when: { path: "/skipped/*" }
    do: [{ push: { destination: partner, path: /in/ }, overwrite: skip }, { move: /sent/ }]
  - name: to-partner
    when: { path: "/out/*" }
    do:
      - push: { destination: partner, path: "/in/{account.name}-{file.name}" }
      - move: /sent/
`;
    product = await startProduct({ directory, configuration });
  });
  after(async () => {
    await disposeProduct(product);
    await server.kill();
    await rm(directory, { recursive: true, force: true });
  });

  async function put(path: string, body: Buffer = content): Promise<void> {
    await mkdir(join(product.dataDirectory, "files", "tester", dirname(path)), { recursive: true });
    const url = `${product.endpoints.http.url}/v1/files?path=${encodeURIComponent(path)}`;
    const response = await fetch(url, { method: "PUT", headers: { authorization }, body: new Uint8Array(body) });
    assert.equal(response.status, 201, await response.text());
  }

  async function event(matches: (one: AccountingEvent) => boolean): Promise<AccountingEvent> {
    for (;;) {
      const found = (await product.events()).find(matches);
      if (found) return found;
      await delay(50);
    }
  }

  const local = (path: string) => readFile(join(product.dataDirectory, "files", "tester", path));

  it("bring the file, and the steps behind go on with it", async () => {
    await put("/out/a.bin");
    const moved = await event(({ type, data }) => type === "dispatch.completed" && data.action === "move");
    assert.equal(moved.data.destination, "/sent/a.bin");
    assert.ok(content.equals(await readFile(join(server.files, "in", "tester-a.bin"))));
    assert.ok(content.equals(await local("sent/a.bin")));
    assert.deepEqual(await readdir(join(server.files, "in")), ["tester-a.bin"]);
    const trail = (await product.events()).filter(({ data }) => data.destination === "partner");
    const transfers = trail.filter(({ type }) => type.startsWith("transfer."));
    assert.deepEqual(
      transfers.map(({ type, protocol, data }) => [type, protocol, data.direction, data.remotePath, data.bytes]),
      [
        ["transfer.started", "system", "download", "/in/tester-a.bin", undefined],
        ["transfer.completed", "system", "download", "/in/tester-a.bin", content.length],
      ],
    );
  });

  it("hold no other rule up where a destination is dead", async () => {
    await put("/dead/a.bin");
    await put("/out/b.bin");
    await event(({ type, data }) => type === "dispatch.completed" && data.destination === "/sent/b.bin");
    assert.ok(content.equals(await readFile(join(server.files, "in", "tester-b.bin"))));
    assert.ok(content.equals(await local("dead/a.bin")));
  });

  it("are shown by the API and by ferrygate destinations", async () => {
    const { url } = product.endpoints.http;
    const answer = await fetch(`${url}/v1/transfers`, { headers: { authorization: adminAuthorization } });
    const { destinations } = (await answer.json()) as {
      destinations: { name: string; waiting: number; failure?: { reason: string } }[];
    };
    assert.deepEqual(
      destinations.map(({ name, waiting, failure }) => [name, waiting, failure?.reason]),
      [
        ["partner", 0, undefined],
        ["stranger", 0, undefined],
        ["dead", 1, "the destination cannot be used: ECONNREFUSED"],
      ],
    );
    const cli = new URL("../../bin/ferrygate.mjs", import.meta.url).pathname;
    const env = { FERRYGATE_USERNAME: "admin", FERRYGATE_PASSWORD: password };
    const output = await mustRun(process.execPath, [cli, "destinations", "--url", url], { env });
    assert.match(output, /^dead {2}sftp:\/\/127\.0\.0\.1:1\/x {2}1 waiting, failed .*ECONNREFUSED$/m);
  });

  it("go to destinations that are managed without their secrets being shown", async () => {
    const url = `${product.endpoints.http.url}/v1/destinations/partner`;
    const headers = { authorization: adminAuthorization, "content-type": "application/json" };
    const shown = (await (await fetch(url, { headers })).json()) as Record<string, unknown>;
    assert.deepEqual([shown.user, shown.privateKey, shown.tries], [server.user, { set: true }, 12]);
    assert.ok(!JSON.stringify(shown).includes("PRIVATE"));
    const changed = await fetch(url, { method: "PUT", headers, body: JSON.stringify({ ...shown, concurrency: 3 }) });
    assert.equal(changed.status, 200, await changed.clone().text());
    assert.equal((await fetch(url, { method: "DELETE", headers })).status, 409);
    const wrong = JSON.stringify({ ...shown, hostKeys: [] });
    assert.equal((await fetch(url, { method: "PUT", headers, body: wrong })).status, 422);
    await put("/out/c.bin");
    await event(({ type, data }) => type === "dispatch.completed" && data.destination === "/sent/c.bin");
    const [record] = (await product.events("type=configuration.changed")).slice(-1);
    assert.deepEqual(record?.data.fields, ["concurrency"]);
    assert.ok(!JSON.stringify(record).includes("PRIVATE"));
  });

  it("are refused where the host key is another one, and the rule's fallback keeps the file", async () => {
    await put("/stranger/a.bin");
    const failed = await event(({ type, data }) => type === "dispatch.failed" && data.destination === "stranger");
    assert.match(String(failed.data.reason), /another host key .* SHA256:/);
    await event(({ type, data }) => type === "dispatch.completed" && data.destination === "/failed/a.bin");
    assert.ok(content.equals(await local("failed/a.bin")));
  });

  it("go to the dead letters where the site refuses, and a replay brings them", async () => {
    const isRoot = process.getuid?.() === 0;
    await mkdir(join(server.files, "locked"));
    // Root may write everywhere: for it a file stands in the way.
    if (isRoot) await writeFile(join(server.files, "locked", "a.bin"), "in the way");
    else await chmod(join(server.files, "locked"), 0o500);
    await put("/refused/a.bin");
    await event(({ type, data }) => type === "dispatch.failed" && data.rule === "refused");
    const headers = { authorization: adminAuthorization };
    const letters = async () => {
      const answer = await fetch(`${product.endpoints.http.url}/v1/dead-letters`, { headers });
      const { deadLetters } = (await answer.json()) as { deadLetters: { id: string; reason: string }[] };
      return deadLetters;
    };
    for (; (await letters()).length === 0; ) await delay(20);
    const [letter] = await letters();
    assert.match(letter?.reason ?? "", isRoot ? /exists/ : /permission denied/);

    if (isRoot) await rm(join(server.files, "locked", "a.bin"));
    else await chmod(join(server.files, "locked"), 0o700);
    const replay = `${product.endpoints.http.url}/v1/dead-letters/${letter?.id}/replay`;
    const answer = await fetch(replay, { method: "POST", headers });
    assert.deepEqual(await answer.json(), { ok: true, queued: true });
    for (; (await letters()).length > 0; ) await delay(20);
    assert.ok(content.equals(await readFile(join(server.files, "locked", "a.bin"))));
    assert.deepEqual(await readdir(join(server.files, "locked")), ["a.bin"]);
  });

  it("do what the rule says where the name is taken", async () => {
    await writeFile(join(server.files, "in", "n.txt"), "first");
    await put("/numbered/n.txt", Buffer.from("second"));
    await event(({ type, data }) => type === "dispatch.completed" && data.rule === "numbered");
    await put("/skipped/n.txt", Buffer.from("third"));
    await event(({ type, data }) => type === "dispatch.completed" && data.destination === "/sent/n.txt");
    assert.equal(await readFile(join(server.files, "in", "n.txt"), "utf8"), "first");
    assert.equal(await readFile(join(server.files, "in", "n-1.txt"), "utf8"), "second");
    await put("/replaced/n.txt", Buffer.from("fourth"));
    await event(({ type, data }) => type === "dispatch.completed" && data.rule === "replaced");
    assert.equal(await readFile(join(server.files, "in", "n.txt"), "utf8"), "fourth");
  });
});
