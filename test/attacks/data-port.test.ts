import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterEach, describe, it } from "node:test";
import { closeOf, FtpsClient } from "../support/ftps-client.ts";
import { startTestCluster, type TestCluster, type TestClusterOptions } from "../support/gateway-tasks.ts";
import { localHeader, proxyHeader } from "../support/load-balancer.ts";

const victimAddress = "127.0.2.1";
const attackerAddress = "127.0.5.1";

describe("an attacker at the data port", () => {
  let cluster: TestCluster;
  let victim: FtpsClient;
  const sockets: Socket[] = [];
  afterEach(async () => {
    victim.destroy();
    for (const socket of sockets.splice(0)) socket.destroy();
    await cluster.close();
  });
  const start = async (options?: TestClusterOptions) => {
    cluster = await startTestCluster(options);
    const tls = { maxVersion: "TLSv1.2" } as const;
    victim = await FtpsClient.loggedIn(cluster.ftpsPort, { localAddress: victimAddress, tls });
  };
  const open = (host: string, port: number, localAddress: string): Socket => {
    const socket = connect({ host, port, localAddress });
    socket.on("error", () => {});
    sockets.push(socket);
    return socket;
  };
  const openAtTask = (localAddress: string, task = 0) =>
    open(cluster.tasks[task]?.host ?? "", cluster.dataPort, localAddress);
  const headerFor = (port: number) => proxyHeader({ host: victimAddress, port: 40_000 }, { host: "127.0.0.1", port });
  const victimStillTransfers = async () => {
    assert.equal((await victim.upload("STOR report", "content")).code, 226);
    assert.equal((await victim.download("RETR report")).toString(), "content");
  };
  const refusedBecause = () => Object.assign({}, ...cluster.tasks.map(({ connections }) => reasonsOf(connections)));

  it("is broken off when a header comes from a network that is not trusted", async () => {
    await start({ trusted: "127.0.0.1/32" });
    const port = await victim.passive();
    for (const task of [0, 1, 2]) {
      const socket = openAtTask(attackerAddress, task);
      socket.write(headerFor(port));
      await closeOf(socket);
    }
    assert.deepEqual(refusedBecause(), { "untrusted-network": 1 });
    await victimStillTransfers();
  });

  it("gets nowhere on the port of another client's session", async () => {
    await start();
    const port = await victim.passive();
    for (let index = 0; index < 6; index += 1) {
      const socket = open("127.0.0.1", port, attackerAddress);
      socket.write("hello");
      await closeOf(socket);
    }
    assert.equal(
      cluster.tasks.reduce((sum, { ports }) => sum + ports.waiting, 0),
      1,
    );
    await victimStillTransfers();
  });

  it("cannot say that it is somebody else in what it sends itself", async () => {
    await start();
    const port = await victim.passive();
    for (let index = 0; index < 6; index += 1) {
      const socket = open("127.0.0.1", port, attackerAddress);
      socket.write(headerFor(port));
      await closeOf(socket);
    }
    await victimStillTransfers();
  });

  it("does not come through a door by way of a header that no task wrote", async () => {
    await start();
    const socket = openAtTask("127.0.0.1");
    socket.write(headerFor(cluster.dataPort - 2));
    await closeOf(socket);
    assert.equal(socket.bytesRead, 0);
    await victimStillTransfers();
  });

  it("loses his own connections when he opens many and sends nothing", async () => {
    await start({ limits: { proxyHeadersAwaited: 10 } });
    const flood = [0, 1, 2].flatMap((task) => Array.from({ length: 50 }, () => openAtTask(attackerAddress, task)));
    await Promise.all(flood.slice(0, 40).map(closeOf));
    for (const { connections } of cluster.tasks) assert.ok((connections.dataPort?.awaited ?? 0) <= 10);
    assert.equal(refusedBecause()["too-many-headers"] > 0, true);
    await victimStillTransfers();
  });

  it("has a bounded time for a header, however it is dripped", async () => {
    await start({ limits: { proxyHeaderMs: 300 } });
    const socket = openAtTask(attackerAddress);
    const header = headerFor(await victim.passive());
    let sent = 0;
    const drip = setInterval(() => socket.write(header.subarray(sent, ++sent)), 50);
    await closeOf(socket);
    clearInterval(drip);
    assert.ok(sent < header.length);
    assert.deepEqual(refusedBecause(), { "late-header": 1 });
    await victimStillTransfers();
  });

  it("is broken off when what it sends is no header", async () => {
    await start();
    for (const text of ["GET / HTTP/1.1\r\n\r\n", "\r\n\r\n\0\r\nQUIT\n\x11\x11\0\0", "\x16\x03\x01"]) {
      const socket = openAtTask(attackerAddress);
      socket.write(text);
      await closeOf(socket);
    }
    assert.deepEqual(refusedBecause(), { "invalid-header": 3 });
    await victimStillTransfers();
  });

  it("is not what a health check is taken for: that ends in good order and leaves no word in the log", async () => {
    await start();
    const check = openAtTask("127.0.0.1");
    check.write(localHeader);
    const [hadError] = await once(check.resume(), "close");
    const silent = openAtTask("127.0.0.1");
    await once(silent, "connect");
    silent.end();
    assert.deepEqual([hadError, (await once(silent.resume(), "close"))[0]], [false, false]);
    assert.deepEqual(refusedBecause(), {});
    for (const { services } of cluster.tasks) assert.deepEqual(services.runtime.logged, []);
  });
});

function reasonsOf({ dataPort }: TestCluster["tasks"][number]["connections"]): Record<string, number> {
  return Object.fromEntries(dataPort?.refused ?? []);
}
