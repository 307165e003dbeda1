import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
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
const skip = process.platform !== "linux" && "only Linux has every address of 127.0.0.0/8";
const connections = 10_000;
/** From so many addresses of this machine, so that no limit of one address helps. */
const addresses = 250;

/**
 * The story: somebody opens control connections from many addresses, says nothing on any of them and keeps them all,
 * so that nobody else can log in and the server runs out of memory.
 */
describe("10,000 half-open control connections", { skip }, () => {
  let product: Product;
  const sockets = new Set<Socket>();
  before(async () => {
    const directory = await temporaryDirectory();
    const { publicKey } = await writeIdentity(directory);
    product = await startProduct({ directory, configuration: await testConfiguration(publicKey) });
  });
  after(async () => {
    for (const socket of sockets) socket.destroy();
    await disposeProduct(product);
  });

  const port = () => product.endpoints.ftps?.port ?? 0;

  async function open(index: number): Promise<void> {
    const localAddress = `127.0.1.${1 + (index % addresses)}`;
    const socket = connect({ host: "127.0.0.1", port: port(), localAddress });
    sockets.add(socket);
    socket.on("error", () => {});
    socket.once("close", () => sockets.delete(socket));
    socket.resume();
    await once(socket, "connect");
  }

  it("take a bounded amount of memory, and others are served between them and after them", async () => {
    // Logins and transfers alone make the process grow to its working size.
    for (let round = 0; round < 20; round += 1) await serveSomebody();
    let before = 0;
    for (let index = 0; index < connections; index += 100) {
      await Promise.all(Array.from({ length: 100 }, (_, offset) => open(index + offset)));
      if (index % 1000 === 0) await serveSomebody();
      if (index === 2000) before = residentBytesOf(product.pid);
    }
    await serveSomebody();
    const grown = residentBytesOf(product.pid) - before;
    assert.ok(grown < 100 * MiB, `the process grew by ${Math.round(grown / MiB)} MiB`);
    assert.ok(sockets.size <= 200, `${sockets.size} of them are still open`);
  });

  async function serveSomebody(): Promise<void> {
    const client = await FtpsClient.connect(port());
    await client.expect("AUTH TLS", 234);
    await client.startTls();
    await client.expect("USER tester", 331);
    await client.expect(`PASS ${password}`, 230);
    await client.expect("PBSZ 0", 200);
    await client.expect("PROT P", 200);
    await client.upload("STOR /somebody.txt", "served");
    await client.quit();
  }

  it("leave no trace of their own: a session begins with its first command", async () => {
    const started = await product.events("type=session.started");
    assert.ok(started.length < 100, `${started.length} sessions are on record`);
  });
});
