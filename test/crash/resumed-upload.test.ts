import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import {
  type Product,
  password,
  startProduct,
  temporaryDirectory,
  testConfiguration,
  writeIdentity,
} from "../support/product.ts";
import { connectSftp, type SftpConnection } from "../support/sftp-client.ts";

const MiB = 1024 ** 2;
const content = randomBytes(24 * MiB);
const sha256 = createHash("sha256").update(content).digest("hex");
const writeBytes = 255 * 1024;

describe("an upload whose server is killed", () => {
  let directory: string;
  let configuration: string;
  let product: Product;
  before(async () => {
    directory = await temporaryDirectory();
    const written = await testConfiguration((await writeIdentity(directory)).publicKey);
    configuration = written.replace("- name: tester\n", "- name: tester\n    resumableUploads: true\n");
  });
  after(async () => {
    await product.stop();
    await rm(directory, { recursive: true, force: true });
  });

  const start = async () => {
    product = await startProduct({ directory, configuration });
  };
  const connect = () => connectSftp(product.endpoints.sftp, "tester", { password });

  function answered<T>({ lost }: SftpConnection, call: (done: (error?: Error | null, value?: T) => void) => void) {
    const answer = new Promise<T>((resolve, reject) =>
      call((error, value) => (error ? reject(error) : resolve(value as T))),
    );
    return Promise.race([lost, answer]);
  }

  const sizeOf = async (path: string): Promise<number> => {
    const connection = await connect();
    const { size } = await answered<{ size: number }>(connection, (done) => connection.sftp.stat(path, done));
    connection.client.end();
    return size;
  };

  /** Writes a part of the content; `close` ends the upload, otherwise the server is killed. */
  async function write(path: string, from: number, to: number, close = false): Promise<void> {
    const connection = await connect();
    const { sftp } = connection;
    const handle = await answered<Buffer>(connection, (done) => sftp.open(path, from === 0 ? "w" : "r+", done));
    for (let offset = from; offset < to; offset += writeBytes) {
      const bytes = Math.min(writeBytes, to - offset);
      await answered(connection, (done) => sftp.write(handle, content, offset, bytes, offset, done));
    }
    if (close) await answered(connection, (done) => sftp.close(handle, done));
    else await product.kill();
    connection.client.end();
  }

  it("goes on after each start, until it is whole", async () => {
    await start();
    await write("/a.bin", 0, 7 * MiB);
    let size = 0;
    for (const end of [8 * MiB, 15 * MiB, content.length]) {
      await start();
      const kept = await sizeOf("/a.bin");
      assert.ok(kept > size && kept < end, `${kept} bytes are kept`);
      size = kept;
      await write("/a.bin", size, end, end === content.length);
    }
    const events = await product.events("type=transfer.completed,transfer.aborted");
    assert.equal(events.filter(({ data }) => Number(data.keptBytes) > 0).length, 3);
    assert.equal(events.at(-1)?.data.sha256, sha256);
    const stored = await readFile(join(product.dataDirectory, "files", "tester", "a.bin"));
    assert.ok(stored.equals(content));
    await product.kill();
  });

  it("is begun anew after the machine went down: what the disk has of it is not sure", async () => {
    await start();
    await write("/b.bin", 0, 5 * MiB);
    const staging = join(product.dataDirectory, "staging");
    const mark = (await readdir(staging)).find((name) => name.startsWith(".boot-"));
    assert.ok(mark);
    await rename(join(staging, mark), join(staging, ".boot-another"));
    await start();
    await assert.rejects(sizeOf("/b.bin"), /does not exist/);
    const left = (await readdir(staging)).filter((name) => !name.startsWith(".boot-"));
    assert.deepEqual(left, []);
  });
});
