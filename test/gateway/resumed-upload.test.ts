import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { afterEach, describe, it, type TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { environmentNames } from "../../adapters/aws/env.ts";
import type { AccountingEvent, EventType } from "../../core/accounting-event.ts";
import { awsOrSkip } from "../support/aws-services.ts";
import { type GatewayCluster, type GatewayProcess, startGatewayCluster } from "../support/gateway-cluster.ts";
import { connectSftp, type SftpConnection } from "../support/sftp-client.ts";

const MiB = 1024 ** 2;
const path = "/large.bin";
const content = Buffer.alloc(48 * MiB, createHash("sha512").update("content").digest());
for (let offset = 0; offset < content.length; offset += MiB) content.writeUInt32BE(offset, offset);
const sha256 = createHash("sha256").update(content).digest("hex");
const writeBytes = 256 * 1024 - 1024;

describe("an upload whose gateway is gone", { skip: awsOrSkip() }, () => {
  let cluster: GatewayCluster;
  let sentBytes = 0;
  afterEach(() => cluster.close());

  const connect = () => connectSftp({ host: "127.0.0.1", port: cluster.sftpPort }, "tester", { password: "password" });

  /** Calls of ssh2 have no answer when the connection is lost. */
  function answered<T>({ lost }: SftpConnection, call: (done: (error?: Error | null, value?: T) => void) => void) {
    const answer = new Promise<T>((resolve, reject) =>
      call((error, value) => (error ? reject(error) : resolve(value as T))),
    );
    return Promise.race([lost, answer]);
  }

  async function write(connection: SftpConnection, flags: "w" | "r+", from: number, to: number): Promise<Buffer> {
    const { sftp } = connection;
    const handle = await answered<Buffer>(connection, (done) => sftp.open(path, flags, done));
    for (let offset = from; offset < to; offset += writeBytes) {
      const bytes = Math.min(writeBytes, to - offset);
      await answered(connection, (done) => sftp.write(handle, content, offset, bytes, offset, done));
      sentBytes += bytes;
    }
    return handle;
  }

  async function ended(type: EventType): Promise<AccountingEvent> {
    for (;;) {
      const found = cluster.events().find((event) => event.type === type && event.data.path === path);
      if (found) return found;
      await delay(100);
    }
  }

  /** As after a while: the lease of the dead one has ended, and a new one starts, which settles what it left. */
  async function replace({ address }: GatewayProcess): Promise<void> {
    for (const { name, owner } of await cluster.leases.list("tasks")) {
      if (owner.endsWith(address)) await cluster.leases.release("tasks", name, owner);
    }
    await cluster.addTask();
  }

  const ends: Readonly<Record<string, (task: GatewayProcess) => Promise<void>>> = {
    killed: async (task) => {
      await task.kill();
      await replace(task);
    },
    stopped: async (task) => {
      await task.stop();
    },
  };

  for (const [how, end] of Object.entries(ends)) {
    it(`goes on at another one when it was ${how}`, async (t: TestContext) => {
      const variables = { [environmentNames.drainSeconds]: "1" };
      cluster = await startGatewayCluster({ tasks: 2, account: { resumableUploads: true }, variables });
      sentBytes = 0;
      const first = await connect();
      await write(first, "w", 0, 36 * MiB);
      const { server } = await ended("transfer.started");
      const task = await serving(server);
      await end(task);
      const { data: aborted } = await ended("transfer.aborted");

      const second = await connect();
      const size = await untilKept(second);
      assert.equal(size, aborted.keptBytes);
      const handle = await write(second, "r+", size, content.length);
      await answered(second, (done) => second.sftp.close(handle, done));
      second.client.end();
      const completed = await ended("transfer.completed");
      const { data } = completed;
      assert.notEqual(completed.server, server);
      assert.deepEqual([data.sha256, data.bytes, data.resumes], [sha256, content.length, aborted.transferId]);
      const stored = await cluster.objects.stat(`tester${path}`);
      assert.equal(stored?.size, content.length);
      t.diagnostic(`${sentBytes} bytes were sent for a file of ${content.length}, ${size} of them kept`);
      assert.ok(sentBytes < 1.5 * content.length, `${sentBytes} bytes were sent for ${content.length}`);
    });
  }

  /** The end is on record a moment before anybody can go on. */
  async function untilKept(connection: SftpConnection): Promise<number> {
    for (;;) {
      const kept = answered<{ size: number }>(connection, (done) => connection.sftp.stat(path, done));
      const size = await kept.then((found) => found.size).catch(() => undefined);
      if (size !== undefined) return size;
      await delay(100);
    }
  }

  /** The gateway that an event names. */
  async function serving(server: string): Promise<GatewayProcess> {
    const started = cluster.events().filter(({ type }) => type === "session.started");
    assert.ok(started.length > 0);
    for (const task of cluster.tasks) {
      if (/^ferrygate_sessions_active [1-9]/m.test(await task.metrics())) return task;
    }
    throw new Error(`no gateway is ${server}`);
  }
});
