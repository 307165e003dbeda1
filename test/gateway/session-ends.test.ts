import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import type { AccountingEvent } from "../../core/accounting-event.ts";
import { awsOrSkip } from "../support/aws-services.ts";
import { FtpsClient } from "../support/ftps-client.ts";
import { type GatewayCluster, type GatewayProcess, startGatewayCluster } from "../support/gateway-cluster.ts";
import { connectSftp } from "../support/sftp-client.ts";

describe("a session whose gateway is killed", { skip: awsOrSkip() }, () => {
  let cluster: GatewayCluster;
  afterEach(() => cluster.close());

  const sftp = () => connectSftp({ host: "127.0.0.1", port: cluster.sftpPort }, "tester", { password: "password" });
  const ftps = () => FtpsClient.loggedIn(cluster.ftpsPort);

  /** As after a while: nobody counts on the killed one any more. */
  async function kill(task: GatewayProcess): Promise<void> {
    await task.kill();
    for (const { name, owner } of await cluster.leases.list("tasks")) {
      if (owner.endsWith(task.address)) await cluster.leases.release("tasks", name, owner);
    }
  }

  const eventsOf = (type: string) => cluster.events().filter((event) => event.type === type);

  /** Of the events, those of sessions that the gateway served. */
  const idsAt = (server: string, events: readonly AccountingEvent[]) =>
    events.flatMap((event) => (event.server === server ? [`${event.session}`] : [])).sort();

  async function until(isSo: () => boolean): Promise<void> {
    while (!isSo()) await delay(100);
  }

  it("has one end on record, put there by another one, and those of the others go on", async () => {
    cluster = await startGatewayCluster({ tasks: 2 });
    const clients = await Promise.all(Array.from({ length: 12 }, (_, index) => (index % 2 === 0 ? sftp() : ftps())));
    await until(() => eventsOf("session.started").length >= clients.length);
    const started = eventsOf("session.started");
    const servers = [...new Set(started.map(({ server }) => server))];
    assert.equal(servers.length, 2);
    const [killed] = cluster.tasks;
    assert.ok(killed);
    await kill(killed);

    // Two that look at the same time.
    await Promise.all([cluster.addTask(), cluster.addTask()]);
    const isEnded = (server: string) =>
      isDeepStrictEqual(idsAt(server, eventsOf("session.ended")), idsAt(server, started));
    await until(() => servers.some(isEnded));
    const ended = eventsOf("session.ended");
    assert.equal(new Set(ended.map(({ server }) => server)).size, 1);
    for (const { id, session, protocol, data } of ended) {
      assert.deepEqual(data, { cause: "nas-reboot", recovered: true });
      assert.equal(id, `${session}.ended`);
      assert.equal(started.find((event) => event.session === session)?.protocol, protocol);
    }
  });

  it("gets its end when a gateway runs again, where all of them were killed", async () => {
    cluster = await startGatewayCluster({ tasks: 1 });
    await Promise.all([sftp(), sftp(), ftps()]);
    await until(() => eventsOf("session.started").length === 3);
    for (const task of cluster.tasks) await kill(task);
    assert.deepEqual(eventsOf("session.ended"), []);
    await cluster.addTask();
    await until(() => eventsOf("session.ended").length === 3);
    const [{ server } = { server: "" }] = eventsOf("session.started");
    assert.deepEqual(idsAt(server, eventsOf("session.ended")), idsAt(server, eventsOf("session.started")));
  });
});
