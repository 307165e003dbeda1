import assert from "node:assert/strict";
import { once } from "node:events";
import type { Socket } from "node:net";
import { after, before, describe, it } from "node:test";
import { residentBytesOf } from "../bench/process-usage.ts";
import { FtpsClient } from "../support/ftps-client.ts";
import {
  disposeProduct,
  type Product,
  password,
  startProduct,
  temporaryDirectory,
  testConfiguration,
  writeIdentity,
} from "../support/product.ts";

const MiB = 1024 * 1024;
const lineBytes = 1024 * MiB;
const skip = process.platform !== "linux" && "the memory of another process is read from /proc";

/** The story: a client sends a command line that does not end, for the server to collect until its memory is full. */
describe("a command line of 1 GiB", { skip }, () => {
  let product: Product;
  before(async () => {
    const directory = await temporaryDirectory();
    const { publicKey } = await writeIdentity(directory);
    product = await startProduct({ directory, configuration: await testConfiguration(publicKey) });
  });
  after(() => disposeProduct(product));

  const connect = () => FtpsClient.connect(product.endpoints.ftps?.port ?? 0);

  /** Sends the line without its end, as fast as it is taken. Answers by how much the server grew meanwhile, at most. */
  async function sendLongLine(socket: Socket): Promise<number> {
    const block = Buffer.alloc(MiB, "x");
    const before = residentBytesOf(product.pid);
    let most = before;
    for (let sent = 0; sent < lineBytes; sent += block.length) {
      if (!socket.write(block)) await once(socket, "drain");
      most = Math.max(most, residentBytesOf(product.pid));
    }
    return most - before;
  }

  async function assertRefused(client: FtpsClient): Promise<void> {
    const grown = await sendLongLine(client.socket);
    assert.ok(grown < lineBytes / 4, `the process grew by ${Math.round(grown / MiB)} MiB`);
    await client.expectNext(500);
    // One refusal for one line, and the next line is a command again.
    client.send("\r\n");
    await client.expect("NOOP", 200);
  }

  it("in clear is refused once and takes next to no memory", async () => {
    const client = await connect();
    await assertRefused(client);
    await client.quit();
  });

  it("under TLS and after the login is refused once and takes next to no memory", async () => {
    const client = await connect();
    await client.expect("AUTH TLS", 234);
    await client.startTls();
    await client.expect("USER tester", 331);
    await client.expect(`PASS ${password}`, 230);
    await assertRefused(client);
    await client.expect("PWD", 257);
    await client.quit();
  });
});
