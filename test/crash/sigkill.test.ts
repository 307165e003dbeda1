import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
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
import { randomFrom } from "../support/random.ts";
import { connectSftp, putFile } from "../support/sftp-client.ts";

const kills = 100;
const clientsPerLife = 4;

/** What the clients were told: path → SHA-256 of every upload whose CLOSE was answered. */
type Acknowledged = Map<string, string>;

async function uploadUntilKilled(product: Product, privateKeyFile: string, prefix: string, acknowledged: Acknowledged) {
  const random = randomFrom(createHash("sha256").update(prefix).digest().readUInt32LE());
  const connection = await connectSftp(product.endpoints.sftp, "tester", privateKeyFile);
  for (let index = 0; ; index += 1) {
    const content = Buffer.alloc(Math.floor(random() ** 4 * 2_000_000), `${prefix}-${index}-`);
    const path = `/${prefix}-${index}.bin`;
    await putFile(connection, path, content);
    acknowledged.set(path, createHash("sha256").update(content).digest("hex"));
  }
}

async function liveAndDie(product: Product, privateKeyFile: string, life: number, acknowledged: Acknowledged) {
  const clients = Array.from({ length: clientsPerLife }, (_, client) =>
    uploadUntilKilled(product, privateKeyFile, `life${life}-client${client}`, acknowledged),
  );
  const ended = Promise.allSettled(clients);
  await delay(50 + randomFrom(life)() * 250);
  await product.kill();
  await ended;
}

async function visibleFiles(product: Product): Promise<Map<string, string>> {
  const directory = join(product.dataDirectory, "files", "tester");
  const files = new Map<string, string>();
  for (const name of await readdir(directory)) {
    files.set(
      `/${name}`,
      createHash("sha256")
        .update(await readFile(join(directory, name)))
        .digest("hex"),
    );
  }
  return files;
}

function byTransfer(events: readonly AccountingEvent[]): Map<string, string[]> {
  const ends = new Map<string, string[]>();
  for (const { type, data } of events) {
    const transferId = String(data.transferId);
    ends.set(transferId, [...(ends.get(transferId) ?? []), type]);
  }
  return ends;
}

async function verify(product: Product, acknowledged: Acknowledged): Promise<void> {
  const visible = await visibleFiles(product);
  const events = await product.events("type=transfer.started,transfer.completed,transfer.aborted");
  const completed = events.filter(({ type }) => type === "transfer.completed");
  const published = new Map(completed.map(({ data }) => [String(data.path), String(data.sha256)]));
  assert.equal(published.size, completed.length, "no file is recorded as completed twice");
  assert.deepEqual(visible, published, "what is visible is what is on record, with the same content");
  for (const [path, sha256] of acknowledged) assert.equal(visible.get(path), sha256, `${path} was acknowledged`);
  for (const [transferId, types] of byTransfer(events)) {
    assert.equal(types.length, 2, `${transferId} has one start and one end: ${types}`);
  }
  const staged = (await readdir(join(product.dataDirectory, "staging"))).filter((name) => !name.startsWith(".boot-"));
  assert.deepEqual(staged, [], "nothing is left in staging");
}

describe("a crash", () => {
  it(`loses nothing acknowledged and publishes nothing else, ${kills} times`, { timeout: 900_000 }, async () => {
    const directory = await temporaryDirectory();
    const identity = await writeIdentity(directory);
    const configuration = await testConfiguration(identity.publicKey);
    const acknowledged: Acknowledged = new Map();
    for (let life = 0; life < kills; life += 1) {
      const product = await startProduct({ directory, configuration });
      await liveAndDie(product, identity.privateKeyFile, life, acknowledged);
    }
    const survivor = await startProduct({ directory, configuration });
    try {
      await verify(survivor, acknowledged);
      assert.ok(acknowledged.size > kills, `${acknowledged.size} uploads were acknowledged before the crashes`);
    } finally {
      await disposeProduct(survivor);
    }
  });
});
