import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { gunzipSync } from "node:zlib";
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
const clientsPerLife = 3;

// With number, a step that is done twice leaves a second file behind.
const rules = `dispatch:
  - name: fan-out
    when: { accounts: [tester], path: "/inbox/*" }
    do:
      - { copy: "/archive/", overwrite: number }
      - { copy: "/mirror/{file.name}", overwrite: fail }
      - { move: "/outbox/", overwrite: number }
      - { checksum: sha256 }
      - { compress: gzip, overwrite: number }
`;

async function uploadUntilKilled(product: Product, privateKeyFile: string, prefix: string): Promise<void> {
  const connection = await connectSftp(product.endpoints.sftp, "tester", privateKeyFile);
  await new Promise<void>((resolve) => connection.sftp.mkdir("/inbox", () => resolve()));
  const random = randomFrom(createHash("sha256").update(prefix).digest().readUInt32LE());
  for (let index = 0; ; index += 1) {
    const content = Buffer.alloc(1 + Math.floor(random() ** 4 * 1_000_000), `${prefix}-${index}-`);
    await putFile(connection, `/inbox/${prefix}-${index}.bin`, content);
  }
}

async function liveAndDie(product: Product, privateKeyFile: string, life: number): Promise<void> {
  const clients = Array.from({ length: clientsPerLife }, (_, client) =>
    uploadUntilKilled(product, privateKeyFile, `life${life}-client${client}`),
  );
  const ended = Promise.allSettled(clients);
  await delay(30 + randomFrom(life)() * 250);
  await product.kill();
  await ended;
}

/** What a folder of the account holds: name → SHA-256 of the content, or of what it is when it is extracted. */
async function contents(product: Product, folder: string): Promise<Map<string, string>> {
  const directory = join(product.dataDirectory, "files", "tester", folder);
  const files = (await readdir(directory)).sort().map(async (name) => {
    const content = await readFile(join(directory, name));
    const digest = createHash("sha256").update(name.endsWith(".gz") ? gunzipSync(content) : content);
    return [name, digest.digest("hex")] as const;
  });
  return new Map(await Promise.all(files));
}

/** What the Outbox holds when all is done: the compressed files, each with the checksum of the file it was. */
function packed(files: ReadonlyMap<string, string>): Map<string, string> {
  const names = [...files].flatMap(([name, sha256]) => {
    const checksum = createHash("sha256").update(`${sha256}  ${name}\n`).digest("hex");
    return [[`${name}.gz`, sha256] as const, [`${name}.sha256`, checksum] as const];
  });
  return new Map(names.sort(([one], [other]) => (one < other ? -1 : 1)));
}

/** Waits until the last step is on record for every upload. */
async function dispatchEnded(product: Product) {
  for (;;) {
    const uploads = await product.events("type=transfer.completed");
    const steps = await product.events("type=dispatch.completed,dispatch.failed,dispatch.skipped");
    const ended = steps.filter(({ type, data }) => type !== "dispatch.completed" || data.action === "compress");
    if (ended.length >= uploads.length) return { uploads, steps };
    await delay(100);
  }
}

describe("a crash while files are dispatched", () => {
  it(`loses none, doubles none and leaves none half done, ${kills} times`, { timeout: 900_000 }, async () => {
    const directory = await temporaryDirectory();
    const identity = await writeIdentity(directory);
    const configuration = (await testConfiguration(identity.publicKey)) + rules;
    for (let life = 0; life < kills; life += 1) {
      await liveAndDie(await startProduct({ directory, configuration }), identity.privateKeyFile, life);
    }
    const survivor = await startProduct({ directory, configuration });
    try {
      const { uploads, steps } = await dispatchEnded(survivor);
      const uploaded = uploads.map(
        ({ data }) => [String(data.path).slice("/inbox/".length), String(data.sha256)] as const,
      );
      const expected = new Map(uploaded.sort(([one], [other]) => (one < other ? -1 : 1)));
      assert.ok(expected.size > kills, `${expected.size} files were uploaded`);
      for (const folder of ["archive", "mirror"]) assert.deepEqual(await contents(survivor, folder), expected, folder);
      assert.deepEqual(await contents(survivor, "outbox"), packed(expected));
      assert.deepEqual(await readdir(join(survivor.dataDirectory, "files", "tester", "inbox")), []);
      const staged = await readdir(join(survivor.dataDirectory, "staging"));
      assert.deepEqual(
        staged.filter((name) => !name.startsWith(".boot-")),
        [],
      );
      const records = steps.map(({ type, data }) => `${type} ${data.action} ${data.destination}`);
      const expectedRecords = [...expected.keys()].flatMap((name) => [
        `dispatch.completed copy /archive/${name}`,
        `dispatch.completed copy /mirror/${name}`,
        `dispatch.completed move /outbox/${name}`,
        `dispatch.completed checksum /outbox/${name}.sha256`,
        `dispatch.completed compress /outbox/${name}.gz`,
      ]);
      assert.deepEqual(records.sort(), expectedRecords.sort());
    } finally {
      await disposeProduct(survivor);
    }
  });
});
