import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, Socket } from "node:net";
import { afterEach, beforeEach, describe, it } from "node:test";
import { LeasedPorts } from "../../gateway/leased-ports.ts";
import { Relays } from "../../gateway/relays.ts";
import { closeOf } from "../support/ftps-client.ts";
import { createMemoryLeases } from "../support/memory-leases.ts";
import { createMemoryRuntime } from "../support/memory-ports.ts";

const header = Buffer.from("header;");

describe("a connection that is passed on", () => {
  let relays: Relays;
  let front: Server;
  let owner: Server;
  let client: Socket;
  let atOwner: Socket;
  let task: string;

  beforeEach(async () => {
    relays = new Relays(createMemoryRuntime());
    owner = createServer({ allowHalfOpen: true });
    front = createServer({ pauseOnConnect: true }, async (socket) => {
      if (!(await relays.start(socket, task, header))) socket.destroy();
    });
    for (const server of [front, owner]) await once(server.listen(0, "127.0.0.1"), "listening");
    task = `127.0.0.1:${(owner.address() as AddressInfo).port}`;
    client = connect({ port: (front.address() as AddressInfo).port, host: "127.0.0.1", allowHalfOpen: true });
    client.on("error", () => {});
    [atOwner] = (await once(owner, "connection")) as [Socket];
    atOwner.on("error", () => {});
  });
  afterEach(() => {
    relays.close();
    for (const socket of [client, atOwner]) socket.destroy();
    for (const server of [front, owner]) server.close();
  });

  it("carries the header, the bytes and the end of either side by itself", async () => {
    client.end("question");
    const chunks: Buffer[] = [];
    for await (const chunk of atOwner.iterator({ destroyOnReturn: false })) chunks.push(chunk as Buffer);
    assert.equal(Buffer.concat(chunks).toString(), "header;question");
    // The client has ended its side, and still hears what comes.
    atOwner.end("answer");
    const [answer] = (await once(client, "data")) as [Buffer];
    assert.equal(answer.toString(), "answer");
    await closeOf(client);
    assert.equal(relays.active, 0);
  });

  it("fails where it failed on the other side: a reset is no end", async () => {
    client.write("half");
    await once(atOwner, "data");
    let hasEnded = false;
    atOwner.once("end", () => {
      hasEnded = true;
    });
    const failed = new Promise((resolve) => atOwner.once("close", resolve));
    client.resetAndDestroy();
    assert.deepEqual([await failed, hasEnded], [true, false]);
  });

  it("is broken off when its task is gone", async () => {
    relays.endTo("10.0.0.1:5000");
    assert.equal(relays.active, 1);
    relays.endTo(task);
    await closeOf(client.resume());
    assert.equal(relays.active, 0);
  });

  it("is broken off when its task does not take it", async () => {
    owner.close();
    const other = connect({ port: (front.address() as AddressInfo).port, host: "127.0.0.1" });
    other.on("error", () => {});
    await closeOf(other);
    assert.equal(relays.active, 1);
  });
});

describe("a leased port", () => {
  it("is one session's, and stays that when another of the same address asks", async () => {
    const runtime = createMemoryRuntime();
    const leases = createMemoryLeases(runtime.now);
    const ports = new LeasedPorts({
      range: { first: 50_000, last: 50_000 },
      leases,
      address: "10.0.0.1:5000",
      runtime,
    });
    const first = await ports.acquire("203.0.113.9");
    assert.equal(first?.port, 50_000);
    assert.equal(await ports.acquire("203.0.113.9"), undefined);
    assert.equal((await ports.acquire("203.0.113.10"))?.port, 50_000);
    const socket = new Socket();
    assert.equal(ports.deliver(50_000, "203.0.113.11", socket), false);
    assert.equal(ports.deliver(50_000, "203.0.113.9", socket), true);
    assert.equal(await first?.connection, socket);
    assert.equal((await leases.list("passive#50000")).length, 1);
    assert.equal((await ports.acquire("203.0.113.9"))?.port, 50_000);
    await ports.close();
    assert.deepEqual(await leases.list("passive#50000"), []);
  });
});
