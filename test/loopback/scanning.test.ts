import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { AccountingEvent } from "../../core/accounting-event.ts";
import { type Clamd, eicar, eicarSignature, startClamd } from "../support/clamd.ts";
import { type FileClient, ftpsFileClient, httpFileClient, sftpFileClient } from "../support/file-clients.ts";
import { connectHttp, type HttpClient } from "../support/http-client.ts";
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
import { runProgram } from "../support/run-program.ts";

const nowhere = { host: "127.0.0.1", port: 0 };
const protocols = ["sftp", "ftps", "http"] as const;

function configurationOf(port: number, whenDown: string): string {
  return `  - name: acme
    password: PASSWORD
    publicKeys: [PUBLICKEY]
    scan: ["/inbox/*"]
    permissions: [[allow-full-control], ["/inbox/*", allow-full-control], ["/outbox/*", allow-full-control]]
scanner: { clamd: "tcp://127.0.0.1:${port}", whenDown: ${whenDown} }
dispatch:
  - name: pdfs-to-outbox
    when: { accounts: [acme], path: "/inbox/*.pdf" }
    do: [{ move: /outbox/ }]
  - name: looked-at
    when: { accounts: [acme], path: "/drop/*" }
    do: [{ scan: true }, { move: /checked/ }]
`;
}

async function startScanned(directory: string, port: number, whenDown = "hold") {
  const identity = await writeIdentity(directory);
  const base = await testConfiguration(identity.publicKey);
  const hash = /password: (".*")/.exec(base)?.[1] ?? "";
  const extra = configurationOf(port, whenDown).replace("PASSWORD", hash);
  const configuration = base + extra.replace("PUBLICKEY", `"${identity.publicKey.trim()}"`);
  return { product: await startProduct({ directory, configuration }), identity };
}

async function eventsAbout(product: Product, query: string, path: string, count = 1): Promise<AccountingEvent[]> {
  for (;;) {
    const events = (await product.events(query)).filter(({ data }) => data.path === path);
    if (events.length >= count) return events;
    await delay(20);
  }
}

describe("uploads that clamd has to see first", { skip: programOrSkip("clamd"), timeout: 120_000 }, () => {
  let clamd: Clamd;
  let product: Product;
  let clients: Record<(typeof protocols)[number], FileClient>;
  let admin: HttpClient;

  before(async () => {
    clamd = await startClamd();
    const started = await startScanned(await temporaryDirectory(), clamd.port);
    product = started.product;
    const { endpoints } = product;
    clients = {
      sftp: await sftpFileClient(endpoints.sftp, "acme", started.identity.privateKeyFile),
      ftps: await ftpsFileClient(endpoints.ftps ?? nowhere, true, "acme"),
      http: await httpFileClient(endpoints.http.url, "acme"),
    };
    await clients.sftp.makeDirectory("/drop");
    admin = await connectHttp(endpoints.http.url, "admin");
  });
  after(async () => {
    for (const client of Object.values(clients)) await client.close();
    await disposeProduct(product);
    await clamd.dispose();
  });

  const quarantined = async () => ((await (await admin.request("GET", "/v1/quarantine")).json()) as Listing).files;

  it("are there when the client has its answer, if they are clean", async () => {
    for (const protocol of protocols) {
      const content = Buffer.alloc(300_000, protocol);
      await clients[protocol].put(`/inbox/${protocol}.txt`, content);
      assert.deepEqual(await clients.sftp.get(`/inbox/${protocol}.txt`), content);
      const [clean] = await eventsAbout(product, "type=scan.clean", `/inbox/${protocol}.txt`);
      assert.equal(clean?.account?.name, "acme");
      assert.equal(clean?.data.bytes, content.length);
      // The same content once more replaces the file.
      await clients[protocol].put(`/inbox/${protocol}.txt`, Buffer.from("new"));
      assert.equal(`${await clients.sftp.get(`/inbox/${protocol}.txt`)}`, "new");
    }
    assert.deepEqual((await clients.sftp.list("/inbox")).sort(), ["ftps.txt", "http.txt", "sftp.txt"]);
    assert.deepEqual(await quarantined(), []);
  });

  it("are refused over every protocol and kept, if they are not", async () => {
    for (const protocol of protocols) {
      const path = `/inbox/bad-${protocol}.txt`;
      await assert.rejects(clients[protocol].put(path, Buffer.concat([Buffer.alloc(100_000, "."), eicar])));
      const [infected] = await eventsAbout(product, "type=scan.infected", path);
      assert.equal(infected?.data.signature, eicarSignature);
      assert.equal(infected?.protocol, protocol === "http" ? "https" : protocol);
      // basic-ftp is done with a connection whose data connection was cut off, as it is behind a refusal.
      const fresh = async () => {
        if (protocol === "ftps") clients.ftps = await ftpsFileClient(product.endpoints.ftps ?? nowhere, true, "acme");
        return clients[protocol];
      };
      await assert.rejects((await fresh()).get(path));
      await assert.rejects((await fresh()).rename(path, "/inbox/good.txt"));
      assert.ok(!(await (await fresh()).list("/inbox")).includes(path.slice("/inbox/".length)));
      const file = (await quarantined()).find((one) => one.path === path);
      assert.deepEqual([file?.state, file?.reason, file?.account], ["infected", eicarSignature, "acme"]);
    }
  });

  it("are not sent again and again by lftp, if they are infected", { skip: programOrSkip("lftp") }, async () => {
    const file = join(await temporaryDirectory(), "once.txt");
    await writeFile(file, eicar);
    const { host, port } = product.endpoints.ftps ?? nowhere;
    const script = [
      "set cmd:fail-exit yes; set ssl:verify-certificate no; set net:reconnect-interval-base 1; set net:max-retries 4",
      `open -u acme,"${password}" ftp://${host}:${port}`,
      `put ${file} -o /inbox/once.txt`,
    ];
    const { exitCode, stderr } = await runProgram("lftp", ["--norc"], { input: script.join("\n") });
    assert.equal(exitCode, 1);
    assert.match(stderr, /550 The file was refused: .* was found in it/);
    const kept = (await quarantined()).filter(({ path }) => path === "/inbox/once.txt");
    assert.deepEqual(
      kept.map(({ repeats }) => repeats),
      [undefined],
    );
  });

  it("are dispatched when they are released, not before", async () => {
    await clients.sftp.put("/inbox/order.pdf", Buffer.from("an order"));
    const [moved] = await eventsAbout(product, "type=dispatch.completed", "/inbox/order.pdf");
    const [clean] = await eventsAbout(product, "type=scan.clean", "/inbox/order.pdf");
    assert.equal(moved?.data.cause, clean?.id);
    await assert.rejects(clients.sftp.put("/inbox/bad.pdf", eicar));
    assert.deepEqual(await clients.sftp.list("/outbox"), ["order.pdf"]);
  });

  it("can be looked at, let through and deleted by an operator alone", async () => {
    await assert.rejects(clients.http.put("/inbox/judged.pdf", eicar));
    const file = (await quarantined()).find(({ path }) => path === "/inbox/judged.pdf");
    const place = `/v1/quarantine/${file?.id}`;
    const acme = await connectHttp(product.endpoints.http.url, "acme");
    for (const [method, path] of [
      ["GET", "/v1/quarantine"],
      ["GET", place],
      ["GET", `${place}/content`],
      ["POST", `${place}/release`],
      ["DELETE", place],
    ] as const) {
      await assert.rejects(acme.request(method, path), /permission|role/);
    }
    const content = await admin.request("GET", `${place}/content`);
    assert.deepEqual(Buffer.from(await content.arrayBuffer()), eicar);
    const behind = { headers: { range: `bytes=${eicar.length}-` } };
    await assert.rejects(admin.request("GET", `${place}/content`, behind), /the file has \d+ bytes/);
    // A client that counts the bytes is done before the end is on record.
    await eventsAbout(product, "account=admin&type=transfer.completed", "/inbox/judged.pdf");
    const read = (await product.events("account=admin")).filter(({ data }) => data.quarantineId === file?.id);
    assert.deepEqual(read.map(({ type }) => type).sort(), ["transfer.completed", "transfer.started"]);
    assert.equal(read[0]?.data.transferId, read[1]?.data.transferId);
    assert.notEqual(read[0]?.data.transferId, file?.id, "the download has an id of its own");
    assert.deepEqual([read[0]?.data.direction, read[0]?.data.path], ["download", "/inbox/judged.pdf"]);
    await admin.request("POST", `${place}/release`);
    const [released] = await eventsAbout(product, "type=scan.released", "/inbox/judged.pdf");
    assert.equal(released?.data.by, "admin");
    await eventsAbout(product, "type=dispatch.completed", "/inbox/judged.pdf");
    assert.deepEqual(await clients.sftp.get("/outbox/judged.pdf"), eicar);
    await assert.rejects(admin.request("GET", place), /no such file/);
    const other = (await quarantined())[0];
    await admin.request("DELETE", `/v1/quarantine/${other?.id}`);
    await assert.rejects(admin.request("DELETE", `/v1/quarantine/${other?.id}`), /no such file/);
    await eventsAbout(product, "type=file.deleted", other?.path ?? "");
  });

  it("cannot be got round by a rename or a copy", async () => {
    await clients.sftp.put("/elsewhere.pdf", eicar);
    await assert.rejects(clients.sftp.rename("/elsewhere.pdf", "/inbox/elsewhere.pdf"), /scanned there/);
    await clients.sftp.makeDirectory("/folder");
    await clients.sftp.put("/folder/x", eicar);
    for (const protocol of protocols) {
      await assert.rejects(clients[protocol].rename("/folder", "/inbox/folder"), /scanned there/);
      await clients[protocol].makeDirectory(`/empty-${protocol}`);
      await clients[protocol].rename(`/empty-${protocol}`, `/inbox/empty-${protocol}`);
    }
    const acme = await connectHttp(product.endpoints.http.url, "acme");
    const copy = { op: "copy" as const, from: "/elsewhere.pdf", to: "/inbox/elsewhere.pdf" };
    await assert.rejects(acme.operate(copy), /scanned there/);
    await clients.sftp.put("/inbox/a", Buffer.from("a"));
    await clients.sftp.rename("/inbox/a", "/inbox/b");
  });

  it("are scanned by a rule too", async () => {
    await clients.sftp.put("/drop/fine.txt", Buffer.from("fine"));
    await clients.sftp.put("/drop/bad.txt", eicar);
    await eventsAbout(product, "type=dispatch.completed", "/drop/fine.txt", 2);
    const [scan] = await eventsAbout(product, "type=dispatch.completed", "/drop/bad.txt");
    assert.equal(scan?.data.verdict, "infected");
    await eventsAbout(product, "type=scan.infected", "/drop/bad.txt");
    assert.deepEqual(await clients.sftp.list("/checked"), ["fine.txt"]);
    assert.deepEqual(await clients.sftp.list("/drop"), []);
    assert.ok((await quarantined()).some(({ path, state }) => path === "/drop/bad.txt" && state === "infected"));
  });

  it("wait while clamd is gone and come when it is back", async () => {
    await clamd.kill();
    await clients.http.put("/inbox/waits.txt", Buffer.from("patience"));
    await assert.rejects(clients.http.get("/inbox/waits.txt"));
    const [file] = (await quarantined()).filter(({ path }) => path === "/inbox/waits.txt");
    assert.equal(file?.state, "waiting");
    await clamd.start();
    await eventsAbout(product, "type=scan.clean", "/inbox/waits.txt");
    assert.equal(`${await clients.http.get("/inbox/waits.txt")}`, "patience");
  });
});

interface Listing {
  readonly files: readonly {
    id: string;
    account: string;
    path: string;
    state: string;
    reason?: string;
    repeats?: object;
  }[];
}

describe("a scanner that is down for long", { skip: programOrSkip("clamd"), timeout: 120_000 }, () => {
  it("lets files pass where the configuration says so, and dispatch sees them", async () => {
    const clamd = await startClamd();
    await clamd.kill();
    const { product } = await startScanned(await temporaryDirectory(), clamd.port, "release");
    try {
      const client = await httpFileClient(product.endpoints.http.url, "acme");
      await client.put("/inbox/open.pdf", Buffer.from("open"));
      const [released] = await eventsAbout(product, "type=scan.released", "/inbox/open.pdf");
      assert.match(String(released?.data.reason), /cannot be reached/);
      await eventsAbout(product, "type=dispatch.completed", "/inbox/open.pdf");
      const file = join(product.dataDirectory, "files", "acme", "outbox", "open.pdf");
      assert.equal(await readFile(file, "utf8"), "open");
      assert.deepEqual(await readdir(join(product.dataDirectory, "quarantine", "files", "content")), []);
      await client.close();
    } finally {
      await disposeProduct(product);
      await clamd.dispose();
    }
  });
});
