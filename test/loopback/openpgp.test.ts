import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import * as openpgp from "openpgp";
import { messageWithoutProtection } from "../support/bare-pgp-message.ts";
import { httpFileClient } from "../support/file-clients.ts";
import { connectHttp } from "../support/http-client.ts";
import {
  disposeProduct,
  startProduct,
  temporaryDirectory,
  testConfiguration,
  writeIdentity,
} from "../support/product.ts";
import { mustRun, runProgram } from "../support/run-program.ts";

const launcher = new URL("../../bin/ferrygate.mjs", import.meta.url).pathname;

describe("OpenPGP and archives in the product", { timeout: 120_000 }, () => {
  it("do with a file what the rules say", async () => {
    const directory = await temporaryDirectory();
    const identity = await writeIdentity(directory);
    const ours = await openpgp.generateKey({ userIDs: [{ name: "ours" }], passphrase: "secret" });
    await writeFile(join(directory, "ours.asc"), ours.privateKey);
    const rules = `pgpKeys:
  - { name: ours, privateKey: { file: ours.asc }, passphrase: secret }
dispatch:
  - name: round
    when: { path: "/*.txt" }
    do:
      - compress: zip
      - encrypt: { recipients: [ours], sign: ours }
      - decrypt: { with: [ours], signedBy: [ours] }
      - { extract: zip, to: "/got/{file.stem}/" }
`;
    const configuration = (await testConfiguration(identity.publicKey)) + rules;
    const product = await startProduct({ directory, configuration });
    try {
      const client = await httpFileClient(product.endpoints.http.url, "tester");
      const content = Buffer.alloc(500_000, "round and round ");
      await client.put("/a.txt", content);
      for (;;) {
        const steps = await product.events("type=dispatch.completed,dispatch.failed");
        assert.deepEqual(
          steps.filter(({ type }) => type === "dispatch.failed").map(({ message }) => message),
          [],
        );
        if (steps.length >= 5) break;
        await delay(20);
      }
      assert.deepEqual(await client.get("/got/a.txt/a.txt"), content);
      await client.close();
    } finally {
      await disposeProduct(product);
    }
  });

  it("refuse a message without integrity protection, keep it, and say why among the dead letters", async () => {
    const directory = await temporaryDirectory();
    const identity = await writeIdentity(directory);
    const ours = await openpgp.generateKey({ userIDs: [{ name: "ours" }] });
    await writeFile(join(directory, "ours.asc"), ours.privateKey);
    const rules = `pgpKeys: [{ name: ours, privateKey: { file: ours.asc } }]
dispatch: [{ name: opened, when: { path: "/*.pgp" }, do: [{ decrypt: { with: [ours] } }, { delete: true }] }]
`;
    const configuration = (await testConfiguration(identity.publicKey)) + rules;
    const product = await startProduct({ directory, configuration });
    try {
      const client = await httpFileClient(product.endpoints.http.url, "tester");
      const plain = await openpgp.createMessage({ binary: Buffer.from("anybody could have changed this") });
      const message = await messageWithoutProtection(plain, ours.publicKey);
      await client.put("/a.txt.pgp", message);
      const admin = await connectHttp(product.endpoints.http.url, "admin");
      const letters = async () =>
        ((await (await admin.request("GET", "/v1/dead-letters")).json()) as { deadLetters: { reason: string }[] })
          .deadLetters;
      while ((await letters()).length === 0) await delay(20);
      const reason = "OpenPGP: the message has no integrity protection, so it could have been changed on the way";
      assert.deepEqual(
        (await letters()).map((letter) => letter.reason),
        [reason],
      );
      const [failed] = await product.events("type=dispatch.failed");
      assert.match(failed?.message ?? "", /decrypt of \/a\.txt\.pgp .*no integrity protection/);
      assert.deepEqual(await client.list("/"), ["a.txt.pgp"]);
      assert.deepEqual(await client.get("/a.txt.pgp"), message);
      await client.close();
    } finally {
      await disposeProduct(product);
    }
  });

  it("are not begun with keys that cannot be used", async () => {
    const directory = await temporaryDirectory();
    const date = new Date("2020-01-01");
    const old = await openpgp.generateKey({ userIDs: [{ name: "old" }], date, keyExpirationTime: 60 });
    await writeFile(join(directory, "old.asc"), old.publicKey);
    const file = join(directory, "ferrygate.yaml");
    await writeFile(file, "pgpKeys:\n  - name: old\n    publicKey: { file: old.asc }\n");
    for (const command of [
      ["check", file],
      ["start", "--config", file, "--data", join(directory, "data")],
    ]) {
      const { exitCode, stdout, stderr } = await runProgram(process.execPath, [launcher, ...command]);
      assert.equal(exitCode, 1);
      assert.match(stdout + stderr, /ferrygate\.yaml:2:11: the OpenPGP key old expired on 2020-01-01/);
    }
    await mustRun("rm", ["-r", directory]);
  });
});
