import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { gunzipSync } from "node:zlib";
import type { AccountingEvent } from "../../core/accounting-event.ts";
import {
  disposeProduct,
  type Product,
  password,
  startProduct,
  type TestIdentity,
  temporaryDirectory,
  testConfiguration,
  writeIdentity,
} from "../support/product.ts";
import { connectSftp, putFile, type SftpConnection } from "../support/sftp-client.ts";

const rules = `dispatch:
  - name: pdfs-to-outbox
    when: { accounts: [acme], path: "/inbox/*.pdf" }
    do: [{ move: /outbox/ }]
  - name: invoices
    when: { path: 'm/^\\/inbox\\/invoice-(\\d+)\\.xml$/' }
    do:
      - { copy: "/archive/{account.name}/{1}/{file.name}", account: auditor }
      - { move: "/done/{1}.xml", overwrite: number }
  - name: over-https
    when: { protocols: [https], path: "/drop/*" }
    do: [{ checksum: sha256 }, { compress: gzip }]
  - name: fallback
    when: { path: "/inbox/*.dat" }
    do: [{ move: /taken/, overwrite: fail }]
    otherwise: [{ rename: "{file.name}.refused" }]
`;

function accounts(publicKey: string): string {
  const login = `publicKeys: ["${publicKey.trim()}"]`;
  return `  - name: acme
    ${login}
    permissions: [[allow-list, allow-read], ["/inbox/*", allow-list, allow-write]]
  - name: auditor
    ${login}
    permissions: [[allow-list, allow-read], ["/archive/*", allow-list, allow-read, allow-write]]
${rules}`;
}

/** Waits for the events of the dispatcher that are about the path. */
async function dispatched(product: Product, path: string, count = 1): Promise<AccountingEvent[]> {
  for (;;) {
    const query = "type=dispatch.completed,dispatch.failed,dispatch.skipped";
    const events = (await product.events(query)).filter(({ data }) => data.path === path);
    if (events.length >= count) return events;
    await delay(20);
  }
}

function shape({ type, data }: AccountingEvent) {
  const { rule, action, destination, reason } = data;
  return [type, rule, action, destination, reason].filter((part) => part !== undefined).join(" ");
}

describe("files that clients send to the product", { timeout: 60_000 }, () => {
  let product: Product;
  let identity: TestIdentity;
  let connection: SftpConnection;
  const files = (...path: string[]) => join(product.dataDirectory, "files", ...path);

  before(async () => {
    const directory = await temporaryDirectory();
    identity = await writeIdentity(directory);
    const configuration = await testConfiguration(identity.publicKey, accounts(identity.publicKey));
    product = await startProduct({ directory, configuration });
    connection = await connectSftp(product.endpoints.sftp, "acme", identity.privateKeyFile);
  });
  after(async () => {
    connection.client.end();
    await disposeProduct(product);
  });

  it("go from the Inbox to the Outbox when a rule says so, and stay when none does", async () => {
    await putFile(connection, "/inbox/b.txt", Buffer.from("text"));
    await putFile(connection, "/inbox/a.pdf", Buffer.from("pdf"));
    const [event] = await dispatched(product, "/inbox/a.pdf");
    assert.ok(event);
    assert.equal(shape(event), "dispatch.completed pdfs-to-outbox move /outbox/a.pdf");
    assert.deepEqual(
      { protocol: event.protocol, account: event.account, session: event.session },
      { protocol: "system", account: { name: "acme", groups: [] }, session: undefined },
    );
    assert.equal(event.data.bytes, 3);
    assert.equal(event.data.objectKey, "acme/outbox/a.pdf");
    assert.equal(event.data.sha256, createHash("sha256").update("pdf").digest("hex"));
    assert.equal(await readFile(files("acme", "outbox", "a.pdf"), "utf8"), "pdf");
    assert.deepEqual(await readdir(files("acme", "inbox")), ["b.txt"]);
  });

  it("go to another account that may write there, by templates, in every step of the rule", async () => {
    await putFile(connection, "/inbox/invoice-17.xml", Buffer.from("<first/>"));
    assert.deepEqual((await dispatched(product, "/inbox/invoice-17.xml", 2)).map(shape), [
      "dispatch.completed invoices copy /archive/acme/17/invoice-17.xml",
      "dispatch.completed invoices move /done/17.xml",
    ]);
    assert.equal(await readFile(files("auditor", "archive", "acme", "17", "invoice-17.xml"), "utf8"), "<first/>");
    assert.equal(await readFile(files("acme", "done", "17.xml"), "utf8"), "<first/>");
  });

  it("stay, and are told of, when the destination is taken; otherwise is what happens then", async () => {
    await putFile(connection, "/inbox/c.pdf", Buffer.from("first"));
    await dispatched(product, "/inbox/c.pdf");
    await putFile(connection, "/inbox/c.pdf", Buffer.from("second"));
    const events = await dispatched(product, "/inbox/c.pdf", 2);
    assert.equal(
      shape(events[1] as AccountingEvent),
      "dispatch.failed pdfs-to-outbox move /outbox/c.pdf /outbox/c.pdf exists already",
    );
    assert.equal(await readFile(files("acme", "outbox", "c.pdf"), "utf8"), "first");
    assert.equal(await readFile(files("acme", "inbox", "c.pdf"), "utf8"), "second");
    await putFile(connection, "/inbox/d.dat", Buffer.from("first"));
    await dispatched(product, "/inbox/d.dat");
    await putFile(connection, "/inbox/d.dat", Buffer.from("second"));
    assert.deepEqual((await dispatched(product, "/inbox/d.dat", 3)).map(shape), [
      "dispatch.completed fallback move /taken/d.dat",
      "dispatch.failed fallback move /taken/d.dat /taken/d.dat exists already",
      "dispatch.completed fallback rename /inbox/d.dat.refused",
    ]);
  });

  it("are dispatched whole or not at all: an interrupted upload is none of them", async () => {
    const other = await connectSftp(product.endpoints.sftp, "acme", identity.privateKeyFile);
    const handle = await new Promise<Buffer>((resolve, reject) => {
      other.sftp.open("/inbox/cut.pdf", "w", (error, opened) => (error ? reject(error) : resolve(opened)));
    });
    await new Promise<void>((resolve, reject) => {
      other.sftp.write(handle, Buffer.from("half"), 0, 4, 0, (error) => (error ? reject(error) : resolve()));
    });
    other.client.destroy();
    while ((await product.events("path=/inbox/cut.pdf&type=transfer.aborted")).length === 0) await delay(20);
    await putFile(connection, "/inbox/behind.pdf", Buffer.from("whole"));
    await dispatched(product, "/inbox/behind.pdf");
    const types = (await product.events("path=/inbox/cut.pdf")).map(({ type }) => type);
    assert.deepEqual(types, ["transfer.started", "transfer.aborted"]);
    assert.deepEqual((await readdir(files("acme", "outbox"))).includes("cut.pdf"), false);
  });

  it("are dispatched whatever the client speaks, and compressed where a rule says so", async () => {
    const { url } = product.endpoints.http;
    const authorization = `Basic ${Buffer.from(`tester:${password}`).toString("base64")}`;
    const send = (path: string, body = "") =>
      fetch(`${url}/v1/files?path=${path}`, { method: "PUT", body, headers: { authorization } });
    assert.equal((await send("/drop/")).status, 201);
    assert.equal((await send("/drop/report", "a report")).status, 201);
    await dispatched(product, "/drop/report", 2);
    assert.deepEqual((await readdir(files("tester", "drop"))).sort(), ["report.gz", "report.sha256"]);
    assert.equal(gunzipSync(await readFile(files("tester", "drop", "report.gz"))).toString(), "a report");
    const digest = createHash("sha256").update("a report").digest("hex");
    assert.equal(await readFile(files("tester", "drop", "report.sha256"), "utf8"), `${digest}  report\n`);
  });

  it("are treated by the rules in force, so that a changed file of rules counts from the next event on", async () => {
    await putFile(connection, "/inbox/e.log", Buffer.from("before"));
    const configuration = await readFile(product.configurationFile, "utf8");
    const rule = '  - { name: logs, when: { path: "/inbox/*.log" }, do: [{ move: /logs/ }] }\n';
    await writeFile(product.configurationFile, configuration + rule);
    while ((await product.events("type=configuration.changed")).length === 0) await delay(20);
    assert.deepEqual(await readdir(files("acme", "inbox")).then((names) => names.includes("e.log")), true);
    await putFile(connection, "/inbox/f.log", Buffer.from("after"));
    await dispatched(product, "/inbox/f.log");
    assert.equal(await readFile(files("acme", "logs", "f.log"), "utf8"), "after");
    assert.deepEqual(await product.events("path=/inbox/e.log&type=dispatch.completed"), []);
  });
});
