import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { afterEach, describe, it, type TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { awsOrSkip } from "../support/aws-services.ts";
import { FtpsClient } from "../support/ftps-client.ts";
import {
  type GatewayCluster,
  type GatewayClusterOptions,
  type GatewayProcess,
  startGatewayCluster,
} from "../support/gateway-cluster.ts";
import { beginFtpsUpload, beginSftpUpload, type UploadUnderWay } from "../support/upload-under-way.ts";

const clientAddress = (index: number) => `127.0.3.${index + 1}`;

describe("several gateways behind a load balancer", { skip: awsOrSkip() }, () => {
  let cluster: GatewayCluster;
  afterEach(() => cluster.close());
  const start = async (options?: GatewayClusterOptions) => {
    cluster = await startGatewayCluster(options);
  };
  const ftps = (index: number) =>
    FtpsClient.loggedIn(cluster.ftpsPort, { localAddress: clientAddress(index), tls: { maxVersion: "TLSv1.2" } });

  it("carry FTPS transfers of 20 clients at once", async (t: TestContext) => {
    await start();
    const startedMs = performance.now();
    const contents = Array.from({ length: 20 }, () => randomBytes(200_000));
    await Promise.all(
      contents.map(async (content, index) => {
        const client = await ftps(index);
        assert.equal((await client.upload(`STOR /file-${index}`, content)).code, 226);
        assert.deepEqual(await client.download(`RETR /file-${index}`), content);
        await client.quit();
      }),
    );
    t.diagnostic(`40 transfers of 20 clients took ${Math.round(performance.now() - startedMs)} ms`);
    const arrivals = cluster.tasks.map(({ address }) => cluster.balancer.counts.get(address) ?? 0);
    assert.ok(arrivals.filter((count) => count > 0).length > 1, `all data went to one gateway: ${arrivals}`);
    const completed = cluster.events().filter(({ type }) => type === "transfer.completed");
    assert.equal(completed.length, 40);
    assert.ok(new Set(completed.map(({ server }) => server)).size > 1, "one gateway served everybody");
  });

  it("lose nothing when one is killed and one is stopped during 50 transfers", async (t: TestContext) => {
    await start();
    const files = Array.from({ length: 50 }, () => [randomBytes(60_000), randomBytes(60_000)] as const);
    const uploads = await beginAll(files.length);
    await Promise.all(uploads.map((upload, index) => upload.write(files[index]?.[0] ?? Buffer.alloc(0))));

    const [killed, stopped] = cluster.tasks;
    assert.ok(killed && stopped);
    await killed.kill();
    const exit = stopped.stop();
    const finish = async (upload: UploadUnderWay, index: number) => {
      await upload.write(files[index]?.[1] ?? Buffer.alloc(0));
      await upload.finish();
    };
    const outcomes = await Promise.allSettled(uploads.map(finish));
    assert.equal(await exit, 0, stopped.output());
    const acknowledged = placesOf(outcomes, "fulfilled");
    const failed = placesOf(outcomes, "rejected");
    t.diagnostic(`${acknowledged.length} of 50 uploads were acknowledged, ${failed.length} failed`);
    assert.ok(failed.length > 0 && acknowledged.length > 0);
    for (const index of acknowledged) await assertStored(index, files[index] ?? []);

    await replace(killed);
    const ends = await endsOfAllTransfers();
    for (const index of failed) await assertWholeOrAbsent(index, { halves: files[index] ?? [], ends });
    for (const index of failed) await sendAgain(index, files[index] ?? []);
  });

  it("get connections by the weights of their pools", async (t: TestContext) => {
    await start({ tasks: 2, weights: [3, 1] });
    const count = 240;
    for (let index = 0; index < count; index += 20) {
      const batch = Array.from({ length: 20 }, async (_, offset) => {
        const client = await FtpsClient.connect(cluster.ftpsPort, { localAddress: clientAddress(index + offset) });
        await client.expect("AUTH TLS", 234);
        client.destroy();
      });
      await Promise.all(batch);
    }
    const [heavy = 0, light = 0] = cluster.tasks.map(({ host }) => connectionsTo(host));
    t.diagnostic(`${count} connections by weights 3:1 went ${heavy}:${light}`);
    assert.equal(heavy + light, count);
    // 180 are expected at the first, with a standard deviation of 6.7.
    assert.ok(Math.abs(heavy - 180) <= 34);
  });

  it("have a leader, and another when it dies", async (t: TestContext) => {
    await start({ variables: { FERRYGATE_AVAILABILITY: "active-passive" } });
    for (let index = 0; index < 6; index += 1) {
      const client = await ftps(index);
      assert.equal((await client.upload(`STOR /before-${index}`, "content")).code, 226);
      await client.quit();
    }
    const leaders = await Promise.all(
      cluster.tasks.map(async (task) => /^ferrygate_leader 1$/m.test(await task.metrics())),
    );
    const leader = cluster.tasks[leaders.indexOf(true)];
    assert.ok(leader && leaders.filter(Boolean).length === 1);
    const servers = new Set(cluster.events().flatMap((event) => (event.session ? [event.server] : [])));
    assert.equal(servers.size, 1);

    await leader.kill();
    const diedMs = performance.now();
    const client = await retried(() => ftps(10));
    t.diagnostic(`a client was logged in ${Math.round(performance.now() - diedMs)} ms after the leader was killed`);
    assert.equal((await client.upload("STOR /after", "content")).code, 226);
    await client.quit();
    const after = cluster.events().find(({ data }) => data.path === "/after");
    assert.ok(after && !servers.has(after.server));
  });

  /** Every other one over SFTP. */
  function begin(index: number): Promise<UploadUnderWay> {
    const place = { host: "127.0.0.1", localAddress: clientAddress(index), path: `/file-${index}` };
    return index % 2 === 0
      ? beginSftpUpload({ ...place, port: cluster.sftpPort })
      : beginFtpsUpload({ ...place, port: cluster.ftpsPort });
  }

  async function beginAll(count: number): Promise<readonly UploadUnderWay[]> {
    const uploads: UploadUnderWay[] = [];
    while (uploads.length < count) {
      const batch = Array.from({ length: 10 }, (_, offset) => begin(uploads.length + offset));
      uploads.push(...(await Promise.all(batch)));
    }
    return uploads;
  }

  /** Published and not acknowledged is possible: the answer was lost. Half of a file is not. */
  async function assertWholeOrAbsent(
    index: number,
    { halves, ends }: { readonly halves: readonly Buffer[]; readonly ends: ReadonlyMap<string, string> },
  ): Promise<void> {
    if (ends.get(`/file-${index}`) === "transfer.completed") await assertStored(index, halves);
    else assert.equal(await cluster.objects.stat(`tester/file-${index}`), undefined, `file-${index} is half there`);
  }

  async function sendAgain(index: number, halves: readonly Buffer[]): Promise<void> {
    const upload = await retried(() => begin(index));
    for (const half of halves) await upload.write(half);
    await upload.finish();
    await assertStored(index, halves);
  }

  /** As after a while: the lease of the dead one has ended, and a new one starts, which settles what it left. */
  async function replace({ address }: GatewayProcess): Promise<void> {
    for (const { name, owner } of await cluster.leases.list("tasks")) {
      if (owner.endsWith(address)) await cluster.leases.release("tasks", name, owner);
    }
    await cluster.addTask();
  }

  function connectionsTo(host: string): number {
    const counts = [...cluster.balancer.counts].filter(([target]) => target.startsWith(`${host}:`));
    return counts.reduce((sum, [, count]) => sum + count, 0);
  }

  async function assertStored(index: number, halves: readonly Buffer[]): Promise<void> {
    const expected = Buffer.concat(halves);
    const reader = await cluster.objects.openRead(`tester/file-${index}`);
    const content = Buffer.alloc(reader.entry.size);
    for (let position = 0; position < content.length; ) {
      position += await reader.read(content.subarray(position), position);
    }
    await reader.close();
    assert.ok(content.equals(expected), `file-${index} is not what was sent`);
  }

  /** By path, when every start that is on record has its one end. */
  async function endsOfAllTransfers(): Promise<ReadonlyMap<string, string>> {
    for (;;) {
      const events = cluster.events();
      const started = events.filter(({ type }) => type === "transfer.started");
      const ends = events.filter(({ type }) => type === "transfer.completed" || type === "transfer.aborted");
      const open = started.filter(({ data }) => !ends.some((end) => end.data.transferId === data.transferId));
      if (open.length > 0) {
        await delay(200);
        continue;
      }
      assert.equal(ends.length, started.length);
      return new Map(ends.map(({ type, data }) => [String(data.path), type]));
    }
  }
});

function placesOf(outcomes: readonly PromiseSettledResult<void>[], status: "fulfilled" | "rejected"): number[] {
  return outcomes.flatMap((outcome, index) => (outcome.status === status ? [index] : []));
}

/** As a client that tries until it is served. */
async function retried<T>(attempt: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await attempt();
    } catch {
      await delay(100);
    }
  }
}
