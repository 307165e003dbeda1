import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { afterEach, beforeEach, describe, it } from "node:test";
import { promisify } from "node:util";
import { FtpsClient } from "../support/ftps-client.ts";
import { startTestCluster, type TestCluster, type TestTask } from "../support/gateway-tasks.ts";
import { connectSftp, putFile } from "../support/sftp-client.ts";

describe("tasks of which one leads", () => {
  let cluster: TestCluster;
  beforeEach(async () => {
    cluster = await startTestCluster({ isActivePassive: true });
  });
  afterEach(() => cluster.close());

  const leader = (): TestTask => {
    const [task, ...others] = cluster.tasks.filter(({ leadership }) => leadership?.isLeader);
    assert.ok(task && others.length === 0);
    return task;
  };
  const sessionPeers = ({ services }: TestTask) =>
    services.accounting.events.filter(({ type }) => type === "session.started").map(({ peer }) => peer?.address);

  const sftp = (client: number) =>
    connectSftp({ host: "127.0.0.1", port: cluster.sftpPort, localAddress: `127.0.2.${client}` }, "tester", {
      password: "password",
    });

  it("serve every FTPS client at the leader, which knows where it comes from", async () => {
    const content = randomBytes(500_000);
    for (let index = 1; index <= 9; index += 1) {
      const implicit = index % 2 === 0;
      const client = await FtpsClient.loggedIn(implicit ? cluster.implicitPort : cluster.ftpsPort, {
        localAddress: `127.0.2.${index}`,
        implicit,
        tls: { maxVersion: "TLSv1.2" },
      });
      assert.equal((await client.upload(`STOR ${index}`, content)).code, 226);
      assert.deepEqual(await client.download(`RETR ${index}`), content);
      await client.quit();
    }
    assert.deepEqual(
      sessionPeers(leader()),
      Array.from({ length: 9 }, (_, index) => `127.0.2.${index + 1}`),
    );
    for (const task of cluster.tasks) if (task !== leader()) assert.deepEqual(sessionPeers(task), []);
  });

  it("serve every SFTP client at the leader", async () => {
    for (let index = 1; index <= 6; index += 1) {
      const connection = await sftp(index);
      const content = randomBytes(700_000);
      await putFile(connection, `/sftp-${index}`, content);
      const read = promisify((done: (error: Error | undefined, content: Buffer) => void) =>
        connection.sftp.readFile(`/sftp-${index}`, done),
      );
      assert.deepEqual(await read(), content);
      connection.client.end();
    }
    assert.deepEqual(
      sessionPeers(leader()),
      Array.from({ length: 6 }, (_, index) => `127.0.2.${index + 1}`),
    );
    for (const task of cluster.tasks) if (task !== leader()) assert.deepEqual(sessionPeers(task), []);
  });

  it("go on at another when the leader resigns; its own sessions may end in peace", async () => {
    const old = leader();
    const before = await sftp(1);
    await old.leadership?.resign();
    const others = cluster.tasks.filter((task) => task !== old);
    for (const { leadership } of [...others, old]) await leadership?.renew();
    const after = await sftp(2);
    assert.deepEqual(sessionPeers(leader()), ["127.0.2.2"]);
    assert.deepEqual(sessionPeers(old), ["127.0.2.1"]);
    await putFile(before, "/late", Buffer.from("still served"));
    assert.equal((await cluster.objects.stat("tester/late"))?.size, 12);
    for (const { client } of [before, after]) client.end();
  });

  it("let clients wait for a leader while there is none", async () => {
    await cluster.close();
    cluster = await startTestCluster({ isActivePassive: true, leaderIsAskedFor: false });
    const waiting = Promise.all([1, 2, 3].map(sftp));
    for (const { leadership } of cluster.tasks) await leadership?.renew();
    for (const { client } of await waiting) client.end();
    assert.equal(sessionPeers(leader()).length, 3);
  });

  it("let clients wait for the next leader when the one that they know does not answer", async () => {
    const old = leader();
    await old.connections.close();
    const others = cluster.tasks.filter((task) => task !== old);
    const [standby] = others;
    assert.ok(standby);
    const port = cluster.doors.sftp;
    const login = connectSftp({ host: standby.host, port }, "tester", { password: "password" });
    const warned = () => others.some(({ services }) => services.runtime.logged.some(({ level }) => level === "warn"));
    while (!warned()) await new Promise(setImmediate);
    await old.leadership?.resign();
    for (const { leadership } of others.reverse()) await leadership?.renew();
    (await login).client.end();
    assert.equal(sessionPeers(leader()).length, 1);
    assert.notEqual(leader(), standby);
  });

  it("take no new clients behind closed doors, at the leader's data port neither", async () => {
    const old = leader();
    old.connections.closeDoors();
    const refused = await Promise.allSettled([1, 2, 3, 4].map(sftp));
    assert.deepEqual(new Set(refused.map(({ status }) => status)), new Set(["rejected"]));
    assert.deepEqual(cluster.tasks.flatMap(sessionPeers), []);
  });
});
