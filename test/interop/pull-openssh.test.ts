import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { appendFile, mkdir, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { AccountingEvent } from "../../core/accounting-event.ts";
import {
  disposeProduct,
  type Product,
  startProduct,
  temporaryDirectory,
  testConfiguration,
  writeIdentity,
} from "../support/product.ts";
import { programOrSkip } from "../support/require-program.ts";
import { type SshServer, startSshServer } from "../support/ssh-server.ts";

const folders = ["kept", "deleted", "moved", "slow", "colliding"];

describe("pulls from OpenSSH", { skip: programOrSkip("sshd") }, () => {
  let directory: string;
  let server: SshServer;
  let product: Product;
  const content = randomBytes(2_000_000);

  const pull = (name: string, more: string) => `  - name: ${name}
    destination: partner
    from: /${name}
    account: tester
    to: /inbox/${name}
    schedule: "* * * * * *"
    ${more}
`;

  before(async () => {
    directory = await temporaryDirectory();
    server = await startSshServer(directory);
    const { publicKey } = await writeIdentity(directory);
    await writeFile(join(directory, "partner-key"), server.privateKey, { mode: 0o600 });
    for (const folder of folders) await mkdir(join(server.files, folder));
    const configuration = `${await testConfiguration(publicKey)}
destinations:
  - name: partner
    url: "sftp://127.0.0.1:${server.port}${server.files}"
    user: ${server.user}
    privateKey: { file: partner-key }
    hostKeys: ["SHA256:${server.hostKey}"]
dispatch:
  - name: pulled
    when: { path: "/inbox/deleted/*.txt", protocols: [system] }
    do: [{ copy: /pulled/ }]
pulls:
${pull("kept", 'stableSeconds: 0\n    files: "*.txt"')}
${pull("deleted", "stableSeconds: 0\n    after: delete")}
${pull("moved", "stableSeconds: 0\n    after: { move: /moved/done }")}
${pull("slow", "stableSeconds: 2\n    after: delete")}
${pull("colliding", "stableSeconds: 0\n    after: delete\n    failureFolder: /colliding/failed")}
`;
    product = await startProduct({ directory, configuration });
  });
  after(async () => {
    await disposeProduct(product);
    await server.kill();
    await rm(directory, { recursive: true, force: true });
  });

  const remote = (...path: string[]) => join(server.files, ...path);
  const local = (...path: string[]) => join(product.dataDirectory, "files", "tester", ...path);

  async function event(matches: (one: AccountingEvent) => boolean, count = 1): Promise<AccountingEvent> {
    for (;;) {
      const found = (await product.events()).filter(matches);
      if (found.length >= count) return found[count - 1] as AccountingEvent;
      await delay(50);
    }
  }

  const completed = (path: string) => (one: AccountingEvent) =>
    one.type === "transfer.completed" && one.data.path === path;

  it("keep a file and fetch it once, until it is another one", async () => {
    await writeFile(remote("kept", "a.txt"), content);
    await writeFile(remote("kept", "a.bin"), content);
    const came = await event(completed("/inbox/kept/a.txt"));
    assert.deepEqual(
      [came.protocol, came.account?.name, came.data.direction, came.data.destination, came.data.remotePath],
      ["system", "tester", "upload", "partner", "/kept/a.txt"],
    );
    assert.ok(content.equals(await readFile(local("inbox/kept/a.txt"))));
    await event(({ type, data }) => type === "pull.completed" && data.pull === "kept");
    await rm(local("inbox/kept/a.txt"));
    await delay(2500);
    assert.deepEqual(await readdir(local("inbox/kept")), []);
    await utimes(remote("kept", "a.txt"), new Date(), new Date(Date.now() - 60_000));
    await event(completed("/inbox/kept/a.txt"), 2);
    assert.deepEqual(await readdir(remote("kept")), ["a.bin", "a.txt"]);
  });

  it("delete a file when it is here, and rules go on with it", async () => {
    await writeFile(remote("deleted", "b.txt"), content);
    await event(({ type, data }) => type === "dispatch.completed" && data.destination === "/pulled/b.txt");
    assert.ok(content.equals(await readFile(local("pulled/b.txt"))));
    for (; (await readdir(remote("deleted"))).length > 0; ) await delay(20);
  });

  it("move a file away, under another name where one is taken", async () => {
    for (const text of ["first", "second"]) {
      await writeFile(remote("moved", "c.txt"), text);
      for (; (await readdir(remote("moved"))).includes("c.txt"); ) await delay(20);
      await rm(local("inbox/moved/c.txt"));
    }
    assert.deepEqual((await readdir(remote("moved", "done"))).sort(), ["c-1.txt", "c.txt"]);
  });

  it("leave a file that is still being written", async () => {
    for (let part = 0; part < 12; part += 1) {
      await appendFile(remote("slow", "d.bin"), content.subarray(0, 1000));
      await delay(500);
    }
    await event(completed("/inbox/slow/d.bin"));
    assert.equal((await readFile(local("inbox/slow/d.bin"))).length, 12_000);
    assert.equal((await product.events()).filter(({ data }) => data.path === "/inbox/slow/d.bin").length, 2);
  });

  it("put aside what cannot come, and say so", async () => {
    await mkdir(local("inbox/colliding"), { recursive: true });
    await writeFile(local("inbox/colliding/e.txt"), "there");
    await writeFile(remote("colliding", "e.txt"), "other");
    const failed = await event(({ type, data }) => type === "pull.failed" && data.pull === "colliding");
    assert.deepEqual(failed.data.failures, [
      { remotePath: "/colliding/e.txt", reason: "/inbox/colliding/e.txt exists already" },
    ]);
    assert.equal(await readFile(remote("colliding", "failed", "e.txt"), "utf8"), "other");
    assert.equal(await readFile(local("inbox/colliding/e.txt"), "utf8"), "there");
  });

  it("go on with a file whose connection was lost", async () => {
    const large = randomBytes(60_000_000);
    await writeFile(remote("deleted", "large.part"), large);
    await writeFile(remote("kept", "x"), "");
    for (let killed = 0; killed < 3; killed += 1) {
      await delay(150);
      await server.kill();
      await server.start();
    }
    await event(completed("/inbox/deleted/large.part"));
    assert.ok(large.equals(await readFile(local("inbox/deleted/large.part"))));
  });
});
