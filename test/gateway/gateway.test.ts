import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:net";
import { afterEach, beforeEach, describe, it } from "node:test";
import { parseAddressBlock } from "../../core/source-address.ts";
import type { GatewayEnvironment } from "../../gateway/environment.ts";
import { Gateway } from "../../gateway/gateway.ts";
import { TaskRegistry } from "../../gateway/task-registry.ts";
import { freePorts } from "../support/free-ports.ts";
import { closeOf, FtpsClient } from "../support/ftps-client.ts";
import { testTls } from "../support/ftps-server.ts";
import { createMemoryLeases } from "../support/memory-leases.ts";
import { createMemoryServices, type MemoryServices, testAccount } from "../support/memory-ports.ts";
import { connectSftp, putFile } from "../support/sftp-client.ts";
import { generateSshKeyPair } from "../support/ssh-key-pair.ts";
import { beginUploadOver } from "../support/upload-under-way.ts";

const host = "127.0.0.1";

describe("a gateway", () => {
  let gateway: Gateway;
  let services: MemoryServices;
  let environment: GatewayEnvironment;
  let stopped: Promise<void> | undefined;

  const start = async (changes: Partial<GatewayEnvironment> = {}) => {
    const { first: sftpPort } = await freePorts(6);
    environment = {
      serverName: "mft",
      dataBucket: "",
      table: "",
      eventBus: "",
      authFunction: "",
      sftp: { port: sftpPort, hostKeysSecret: "", algorithms: "strict" },
      ftps: {
        explicitPort: sftpPort + 1,
        implicitPort: undefined,
        tlsSecret: "",
        passivePorts: { first: sftpPort + 4, last: sftpPort + 5 },
        passiveAddress: host,
        sessionReuse: "required",
      },
      dataPort: sftpPort + 2,
      trustedProxies: [parseAddressBlock("127.0.0.0/8")],
      healthPort: sftpPort + 3,
      availability: "active-active",
      drainMs: 10_000,
      longestProtectionMs: 0,
      listenAddress: host,
      taskAddress: host,
      ...changes,
    };
    services = createMemoryServices([testAccount()]);
    const { runtime } = services;
    const leases = createMemoryLeases(runtime.now);
    const task = { taskId: "task-1", address: host, availabilityZone: undefined };
    const tasks = new TaskRegistry({ leases, task, runtime });
    const hostKeys = [generateSshKeyPair().private];
    gateway = new Gateway({ environment, task, tasks, leases, services, hostKeys, tls: () => testTls, runtime });
    await gateway.start();
    stopped = undefined;
  };
  const stop = () => {
    stopped ??= gateway.stop();
    return stopped;
  };
  afterEach(() => stop());

  const get = (path: string) => fetch(`http://${host}:${environment.healthPort}${path}`);
  const sftp = () => connectSftp({ host, port: environment.sftp?.port ?? 0 }, "tester", { password: "password" });
  const typesOf = (path: string) =>
    services.accounting.events.filter(({ data }) => data.path === path).map(({ type }) => type);

  describe("that serves", () => {
    beforeEach(() => start());

    it("says that it lives and is ready, and counts", async () => {
      const [health, ready] = [await get("/health"), await get("/ready")];
      assert.deepEqual([health.status, await health.json()], [200, { status: "ok" }]);
      assert.deepEqual([ready.status, await ready.json()], [200, { status: "ready" }]);
      const connection = await sftp();
      await putFile(connection, "/a", Buffer.from("content"));
      const metrics = await (await get("/metrics")).text();
      assert.match(metrics, /^ferrygate_sessions_active 1$/m);
      assert.match(metrics, /^ferrygate_transfer_bytes_total\{direction="upload",protocol="sftp"\} 7$/m);
      assert.match(metrics, /^ferrygate_leader 0$/m);
      assert.equal((await get("/v1/files")).status, 404);
      assert.equal((await fetch((await get("/health")).url, { method: "POST" })).status, 405);
      connection.client.end();
    });

    it("is not ready from the first moment of its stop, and takes clients until the load balancer knows", async () => {
      void stop();
      const ready = await get("/ready");
      assert.deepEqual([ready.status, await ready.json()], [503, { status: "draining" }]);
      const connection = await sftp();
      await putFile(connection, "/late", Buffer.from("content"));
      connection.client.end();
      await stop();
      assert.deepEqual(typesOf("/late"), ["transfer.started", "transfer.completed"]);
      const after = connect(environment.sftp?.port ?? 0, host);
      const [error] = await once(after, "error");
      assert.equal(error.code, "ECONNREFUSED");
    });

    it("lets uploads finish that were under way when it was stopped", async () => {
      const connection = await sftp();
      const upload = await beginUploadOver(connection, "/long");
      await upload.write(randomBytes(100_000));
      void stop();
      for (let index = 0; index < 20; index += 1) {
        await new Promise((resolve) => setTimeout(resolve, 150));
        await upload.write(randomBytes(100_000));
      }
      await upload.finish();
      await stop();
      assert.equal((await services.objects.stat("tester/long"))?.size, 2_100_000);
      assert.deepEqual(typesOf("/long"), ["transfer.started", "transfer.completed"]);
    });

    it("ends idle sessions with a word of goodbye", async () => {
      const client = await FtpsClient.loggedIn(environment.ftps?.explicitPort ?? 0);
      const goodbye = client.reply();
      await stop();
      assert.equal((await goodbye).code, 421);
    });
  });

  it("ends what has not finished in time, and puts that on record", async () => {
    await start({ drainMs: 1000 });
    const connection = await sftp();
    const upload = await beginUploadOver(connection, "/stuck");
    await upload.write(randomBytes(100_000));
    const client = await FtpsClient.loggedIn(environment.ftps?.explicitPort ?? 0);
    await client.passive();
    await stop();
    await assert.rejects(connection.lost);
    await client.closed();
    assert.deepEqual(typesOf("/stuck"), ["transfer.started", "transfer.aborted"]);
    assert.equal(await services.objects.stat("tester/stuck"), undefined);
    const types = services.accounting.events.map(({ type }) => type);
    assert.equal(types.filter((type) => type === "session.ended").length, 2);
  });

  it("serves SFTP alone where nothing else is asked for", async () => {
    await start({ ftps: undefined, dataPort: undefined, trustedProxies: [] });
    const connection = await sftp();
    await putFile(connection, "/a", Buffer.from("content"));
    connection.client.end();
    const ftps = connect((environment.sftp?.port ?? 0) + 1, host);
    const refused = once(ftps, "error");
    await closeOf(ftps);
    assert.equal((await refused)[0].code, "ECONNREFUSED");
  });
});
