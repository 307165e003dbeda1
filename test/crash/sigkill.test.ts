import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { gunzipSync } from "node:zlib";
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
const mostUploads = 6;
/** Clients of each life by the folder that they fill: what is put into the Inbox is dispatched, the rest stays. */
const clientFolders = ["", "", "", "/inbox", "/inbox", "/inbox"];

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

/** What the clients were told: path → SHA-256 of every upload whose CLOSE was answered. */
type Acknowledged = Map<string, string>;

interface Life {
  readonly product: Product;
  readonly privateKeyFile: string;
  readonly number: number;
  readonly acknowledged: Acknowledged;
  /** Called whenever a client got on. */
  readonly gotOn: () => void;
}

const sha256 = (content: Uint8Array | string) => createHash("sha256").update(content).digest("hex");

async function uploadUntilKilled(life: Life, folder: string, client: number): Promise<void> {
  const prefix = `life${life.number}-client${client}`;
  const random = randomFrom(createHash("sha256").update(prefix).digest().readUInt32LE());
  const connection = await connectSftp(life.product.endpoints.sftp, "tester", life.privateKeyFile);
  life.gotOn();
  if (folder !== "") await new Promise<void>((resolve) => connection.sftp.mkdir(folder, () => resolve()));
  for (let index = 0; ; index += 1) {
    const content = Buffer.alloc(Math.floor(random() ** 4 * 2_000_000), `${prefix}-${index}-`);
    const path = `${folder}/${prefix}-${index}.bin`;
    await putFile(connection, path, content);
    life.acknowledged.set(path, sha256(content));
    life.gotOn();
  }
}

/** The product dies soon after so many uploads as chance chooses, at the earliest after the first login. */
async function liveAndDie(life: Omit<Life, "gotOn">): Promise<void> {
  const random = randomFrom(life.number);
  const count = life.acknowledged.size + Math.floor(random() * mostUploads);
  const enough = Promise.withResolvers<void>();
  const gotOn = () => life.acknowledged.size >= count && enough.resolve();
  const clients = clientFolders.map((folder, client) => uploadUntilKilled({ ...life, gotOn }, folder, client));
  const ended = Promise.allSettled(clients);
  await Promise.race([enough.promise, ended]);
  await delay(random() * 100);
  await life.product.kill();
  await ended;
}

/** The files in a folder of the account: name → SHA-256 of the content, or of what it is when it is extracted. */
async function contents(product: Product, folder: string): Promise<Map<string, string>> {
  const directory = join(product.dataDirectory, "files", "tester", folder);
  const entries = await readdir(directory, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isFile()).map(({ name }) => name);
  const files = names.sort().map(async (name) => {
    const content = await readFile(join(directory, name));
    return [name, sha256(name.endsWith(".gz") ? gunzipSync(content) : content)] as const;
  });
  return new Map(await Promise.all(files));
}

/** What the Outbox holds when all is done: the compressed files, each with the checksum of the file it was. */
function packed(files: ReadonlyMap<string, string>): Map<string, string> {
  return byName(
    [...files].flatMap(([name, digest]) => [
      [`${name}.gz`, digest] as const,
      [`${name}.sha256`, sha256(`${digest}  ${name}\n`)] as const,
    ]),
  );
}

function byName(files: readonly (readonly [string, string])[]): Map<string, string> {
  return new Map(files.toSorted(([one], [other]) => (one < other ? -1 : 1)));
}

/** Of the folder: name → SHA-256 of every upload that is on record as completed. */
function recorded(completed: readonly AccountingEvent[], folder: string): Map<string, string> {
  const files = completed.map(({ data }) => [String(data.path), String(data.sha256)] as const);
  const inFolder = files.filter(([path]) => path.slice(0, path.lastIndexOf("/")) === folder);
  return byName(inFolder.map(([path, digest]) => [path.slice(folder.length + 1), digest]));
}

/** Waits until the last step is on record for every upload into the Inbox. Answers what is on record of steps. */
async function dispatchEnded(product: Product): Promise<readonly AccountingEvent[]> {
  const uploads = recorded(await product.events("type=transfer.completed"), "/inbox");
  for (;;) {
    const steps = await product.events("type=dispatch.completed,dispatch.failed,dispatch.skipped");
    const ended = steps.filter(({ type, data }) => type !== "dispatch.completed" || data.action === "compress");
    if (ended.length >= uploads.size) return steps;
    await delay(100);
  }
}

function byTransfer(events: readonly AccountingEvent[]): Map<string, string[]> {
  const ends = new Map<string, string[]>();
  for (const { type, data } of events) {
    const transferId = String(data.transferId);
    ends.set(transferId, [...(ends.get(transferId) ?? []), type]);
  }
  return ends;
}

async function verifyUploads(product: Product, acknowledged: Acknowledged): Promise<readonly AccountingEvent[]> {
  const events = await product.events("type=transfer.started,transfer.completed,transfer.aborted");
  const completed = events.filter(({ type }) => type === "transfer.completed");
  const published = new Map(completed.map(({ data }) => [String(data.path), String(data.sha256)]));
  assert.equal(published.size, completed.length, "no file is recorded as completed twice");
  for (const [path, digest] of acknowledged) assert.equal(published.get(path), digest, `${path} was acknowledged`);
  for (const [transferId, types] of byTransfer(events)) {
    assert.equal(types.length, 2, `${transferId} has one start and one end: ${types}`);
  }
  const visible = await contents(product, "");
  assert.deepEqual(visible, recorded(completed, ""), "what is visible is what is on record, with the same content");
  return completed;
}

async function verifyDispatch(product: Product, expected: ReadonlyMap<string, string>): Promise<void> {
  const steps = await dispatchEnded(product);
  for (const folder of ["archive", "mirror"]) assert.deepEqual(await contents(product, folder), expected, folder);
  assert.deepEqual(await contents(product, "outbox"), packed(expected));
  assert.deepEqual(await contents(product, "inbox"), new Map());
  const records = steps.map(({ type, data }) => `${type} ${data.action} ${data.destination}`);
  const expectedRecords = [...expected.keys()].flatMap((name) => [
    `dispatch.completed copy /archive/${name}`,
    `dispatch.completed copy /mirror/${name}`,
    `dispatch.completed move /outbox/${name}`,
    `dispatch.completed checksum /outbox/${name}.sha256`,
    `dispatch.completed compress /outbox/${name}.gz`,
  ]);
  assert.deepEqual(records.sort(), expectedRecords.sort());
}

describe("a crash", () => {
  const title = "loses nothing acknowledged, publishes nothing else and dispatches every file once";
  it(`${title}, ${kills} times`, { timeout: 900_000 }, async () => {
    const directory = await temporaryDirectory();
    const { publicKey, privateKeyFile } = await writeIdentity(directory);
    const configuration = (await testConfiguration(publicKey)) + rules;
    const acknowledged: Acknowledged = new Map();
    for (let number = 0; number < kills; number += 1) {
      const product = await startProduct({ directory, configuration });
      await liveAndDie({ product, privateKeyFile, number, acknowledged });
    }
    const survivor = await startProduct({ directory, configuration });
    try {
      const completed = await verifyUploads(survivor, acknowledged);
      assert.ok(acknowledged.size > kills, `${acknowledged.size} uploads were acknowledged before the crashes`);
      const dispatched = recorded(completed, "/inbox");
      assert.ok(dispatched.size > kills, `${dispatched.size} files were put into the Inbox`);
      await verifyDispatch(survivor, dispatched);
      const staged = await readdir(join(survivor.dataDirectory, "staging"));
      const left = staged.filter((name) => !name.startsWith(".boot-"));
      assert.deepEqual(left, [], "nothing is left in staging");
    } finally {
      await disposeProduct(survivor);
    }
  });
});
