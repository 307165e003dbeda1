import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:net";
import { afterEach, describe, it } from "node:test";
import { closeOf, FtpsClient } from "../support/ftps-client.ts";
import { startTestCluster, type TestCluster, type TestClusterOptions } from "../support/gateway-tasks.ts";
import { proxyHeader } from "../support/load-balancer.ts";

describe("FTPS data connections behind a load balancer", () => {
  let cluster: TestCluster;
  afterEach(() => cluster.close());
  const start = async (options?: TestClusterOptions) => {
    cluster = await startTestCluster(options);
    return cluster;
  };
  const loggedIn = (client: number) =>
    FtpsClient.loggedIn(cluster.ftpsPort, { localAddress: `127.0.2.${client}`, tls: { maxVersion: "TLSv1.2" } });

  it("reach their session whichever task they arrive at", async () => {
    await start();
    const client = await loggedIn(1);
    for (let index = 0; index < 12; index += 1) {
      const content = randomBytes(200_000);
      assert.equal((await client.upload(`STOR file-${index}`, content)).code, 226);
      assert.deepEqual(await client.download(`RETR file-${index}`), content);
    }
    await client.quit();
    const arrivals = cluster.tasks.map(({ address }) => cluster.balancer.counts.get(address) ?? 0);
    assert.ok(arrivals.filter((count) => count > 0).length > 1, `all went to one task: ${arrivals}`);
  });

  it("may do their TLS handshake before the command", async () => {
    await start();
    const client = await loggedIn(1);
    const content = randomBytes(200_000);
    const secured = async () => {
      const data = client.secureData(await client.connectData());
      await once(data, "secureConnect");
      return data;
    };
    for (let index = 0; index < 6; index += 1) {
      const up = await secured();
      await client.expect(`STOR early-${index}`, 150);
      up.end(content).resume();
      await client.expectNext(226);
      const down = await secured();
      client.send(`RETR early-${index}\r\n`);
      const chunks: Buffer[] = [];
      for await (const chunk of down) chunks.push(chunk as Buffer);
      assert.ok(content.equals(Buffer.concat(chunks)));
      await client.expectNext(150);
      await client.expectNext(226);
    }
    await client.quit();
  });

  it("carry transfers of 20 clients at once", async () => {
    await start();
    const contents = Array.from({ length: 20 }, () => randomBytes(300_000));
    await Promise.all(
      contents.map(async (content, index) => {
        const client = await loggedIn(index + 1);
        for (const round of [0, 1, 2]) {
          assert.equal((await client.upload(`STOR ${index}-${round}`, content)).code, 226);
          assert.deepEqual(await client.download(`RETR ${index}-${round}`), content);
        }
        await client.quit();
      }),
    );
    for (const { ports } of cluster.tasks) assert.equal(ports.waiting, 0);
    const ends = cluster.events().filter(({ type }) => type === "transfer.completed");
    assert.equal(ends.length, 120);
  });

  it("of many sessions of one address get a port each, until none is left", async () => {
    await start({ passivePorts: 4 });
    const clients = await Promise.all([1, 1, 1, 1, 1].map(loggedIn));
    const ports: number[] = [];
    for (const client of clients.slice(0, 4)) ports.push(await client.passive());
    assert.equal(new Set(ports).size, 4);
    await clients[4]?.expect("EPSV", 425);
    const other = await loggedIn(2);
    assert.ok((await other.passive()) > 0);
    // A port is free again as soon as its connection has arrived.
    const [first] = clients;
    assert.ok(first);
    assert.equal((await first.upload("STOR a", "content")).code, 226);
    await clients[4]?.passive();
    for (const client of [...clients, other]) client.destroy();
  });

  it("are refused with 425 when the leases cannot be used", async () => {
    const unavailable = async () => {
      throw new Error("no network");
    };
    await start({ leases: { take: unavailable, find: unavailable, list: unavailable, release: unavailable } });
    const client = await loggedIn(1);
    await client.expect("EPSV", 425);
    await client.quit();
  });

  it("pass on an end that is none: a broken upload is not taken for a whole one", async () => {
    await start();
    const client = await loggedIn(1);
    for (let index = 0; index < 8; index += 1) {
      const data = await client.startTransfer(`STOR broken-${index}`);
      data.write(randomBytes(100_000));
      await new Promise((resolve) => setTimeout(resolve, 20));
      data.destroy();
      assert.equal((await client.reply()).code, 426);
      assert.equal(await cluster.objects.stat(`tester/broken-${index}`), undefined);
    }
    await client.quit();
  });

  it("find their session where the load balancer does not name the port, if it waits alone", async () => {
    await start();
    const client = await loggedIn(1);
    const send = async (arrivedAt: number) => {
      const socket = connect({ host: cluster.tasks[arrivedAt]?.host ?? "", port: cluster.dataPort });
      socket.on("error", () => {});
      socket.write(proxyHeader({ host: "127.0.2.1", port: 40_000 }, { host: "10.0.0.1", port: 443 }));
      return socket;
    };
    for (const arrivedAt of [0, 1, 2]) {
      await client.passive();
      const socket = await send(arrivedAt);
      await client.expect(`STOR by-client-${arrivedAt}`, 150);
      client.secureData(socket).end("content").resume();
      await client.expectNext(226);
    }
    const second = await loggedIn(1);
    for (const each of [client, second]) await each.passive();
    await closeOf(await send(0));
    for (const each of [client, second]) each.destroy();
    const warnings = cluster.tasks.map(({ services }) =>
      services.runtime.logged.filter(({ message }) => message === "the load balancer names a port that is not passive"),
    );
    assert.deepEqual(
      warnings.map(({ length }) => length),
      [1, 1, 1],
    );
  });
});
