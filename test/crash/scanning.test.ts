import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { type Clamd, eicar, startClamd } from "../support/clamd.ts";
import {
  disposeProduct,
  type Product,
  startProduct,
  temporaryDirectory,
  testConfiguration,
  writeIdentity,
} from "../support/product.ts";
import { randomFrom } from "../support/random.ts";
import { programOrSkip } from "../support/require-program.ts";
import { connectSftp, putFile, type SftpConnection } from "../support/sftp-client.ts";

const kills = 25;
const clientsPerLife = 3;

function settings({ port }: Clamd): string {
  return `scanner: { clamd: "tcp://127.0.0.1:${port}", scan: required }
dispatch:
  - name: on
    when: { accounts: [tester], path: "/inbox/*" }
    do: [{ move: "/outbox/", overwrite: number }]
`;
}

async function uploadUntilKilled(connected: Promise<SftpConnection>, prefix: string): Promise<void> {
  const connection = await connected;
  await new Promise<void>((resolve) => connection.sftp.mkdir("/inbox", () => resolve()));
  const random = randomFrom(createHash("sha256").update(prefix).digest().readUInt32LE());
  for (let index = 0; ; index += 1) {
    const content = Buffer.alloc(100 + Math.floor(random() ** 4 * 1_000_000), `${prefix}-${index}-`);
    const isInfected = random() < 0.3;
    const name = `/inbox/${prefix}-${index}${isInfected ? "-virus" : ""}.bin`;
    const sent = putFile(connection, name, isInfected ? Buffer.concat([content, eicar]) : content);
    await (isInfected ? sent.catch(() => {}) : sent);
  }
}

/** The product dies at a moment that chance chooses; now and then the scanner dies too. */
async function liveAndDie(product: Product, clamd: Clamd, privateKeyFile: string, life: number): Promise<void> {
  const random = randomFrom(life);
  const connections = Array.from({ length: clientsPerLife }, () =>
    connectSftp(product.endpoints.sftp, "tester", privateKeyFile),
  );
  const clients = connections.map((connection, client) => uploadUntilKilled(connection, `life${life}-client${client}`));
  const ended = Promise.allSettled(clients);
  // However slow the machine is, somebody has begun by then.
  await Promise.any(connections);
  await delay(30 + random() * 300);
  if (life % 5 === 4) await clamd.kill();
  await delay(random() * 60);
  await product.kill();
  await ended;
  if (life % 5 === 4) await clamd.start();
}

/** Waits until each upload has its verdict on record, and each clean one its step. */
async function allEnded(product: Product) {
  for (;;) {
    const uploads = await product.events("type=transfer.completed");
    const scans = await product.events("type=scan.clean,scan.infected");
    const steps = await product.events("type=dispatch.completed,dispatch.failed,dispatch.skipped");
    const clean = scans.filter(({ type }) => type === "scan.clean");
    if (scans.length >= uploads.length && steps.length >= clean.length) return { uploads, scans, steps };
    await delay(100);
  }
}

async function filesIn(directory: string): Promise<Map<string, string>> {
  const files = (await readdir(directory)).sort().map(async (name) => {
    const content = await readFile(join(directory, name));
    assert.ok(!content.includes(eicar) || directory.includes("quarantine"), `${name} is clean`);
    return [name, createHash("sha256").update(content).digest("hex")] as const;
  });
  return new Map(await Promise.all(files));
}

describe("a crash while files are scanned", { skip: programOrSkip("clamd"), timeout: 300_000 }, () => {
  it(`loses none, doubles none and shows none that was not scanned, ${kills} times`, async () => {
    const clamd = await startClamd();
    const directory = await temporaryDirectory();
    const identity = await writeIdentity(directory);
    const configuration = (await testConfiguration(identity.publicKey)) + settings(clamd);
    for (let life = 0; life < kills; life += 1) {
      await liveAndDie(await startProduct({ directory, configuration }), clamd, identity.privateKeyFile, life);
    }
    const survivor = await startProduct({ directory, configuration });
    try {
      const { uploads, scans, steps } = await allEnded(survivor);
      const uploaded = (isInfected: boolean) => {
        const chosen = uploads.filter(({ data }) => String(data.path).includes("virus") === isInfected);
        return chosen.map(({ data }) => [String(data.path).slice("/inbox/".length), String(data.sha256)] as const);
      };
      const expected = new Map(uploaded(false).sort(([one], [other]) => (one < other ? -1 : 1)));
      assert.ok(expected.size > kills, `${expected.size} clean files were uploaded`);
      assert.deepEqual(await filesIn(join(survivor.dataDirectory, "files", "tester", "outbox")), expected);
      assert.deepEqual(await readdir(join(survivor.dataDirectory, "files", "tester", "inbox")), []);
      const kept = await filesIn(join(survivor.dataDirectory, "quarantine", "files", "content"));
      assert.deepEqual(
        [...kept.values()].sort(),
        uploaded(true)
          .map(([, sha256]) => sha256)
          .sort(),
      );
      assert.equal(scans.length, uploads.length, "each upload has one verdict on record");
      assert.equal(steps.length, expected.size, "each clean file has one step on record");
      for (const folder of ["staging", join("quarantine", "staging")]) {
        const staged = await readdir(join(survivor.dataDirectory, folder));
        assert.deepEqual(
          staged.filter((name) => !name.startsWith(".boot-")),
          [],
          folder,
        );
      }
    } finally {
      await disposeProduct(survivor);
      await clamd.dispose();
    }
  });
});
