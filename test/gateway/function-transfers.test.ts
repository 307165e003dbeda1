import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { createDynamoClient } from "../../adapters/aws/clients.ts";
import { createDynamoLeases } from "../../adapters/aws/dynamo-leases.ts";
import { createDynamoStaging } from "../../adapters/aws/dynamo-staging.ts";
import { DynamoTable } from "../../adapters/aws/dynamo-table.ts";
import { partitions } from "../../adapters/aws/env.ts";
import { createRuntime } from "../../adapters/node/runtime.ts";
import type { AccountingEvent } from "../../core/accounting-event.ts";
import { limits } from "../../core/limits.ts";
import { openServices as openGatewayServices } from "../../gateway/aws-gateway.ts";
import { Settlement } from "../../gateway/settlement.ts";
import { TaskRegistry } from "../../gateway/task-registry.ts";
import { type FunctionServices, openServices } from "../../lambdas/services/session-services.ts";
import { createSessionOpener } from "../../service/session/open-session.ts";
import { reconcile } from "../../service/session/reconcile.ts";
import { type FunctionRig, seedConfiguration, startFunctionRig } from "../lambdas/rig.ts";
import { awsOrSkip } from "../support/aws-services.ts";
import { createMemoryRuntime } from "../support/memory-ports.ts";
import { password } from "../support/product.ts";

const hourMs = 60 * 60_000;

describe("what functions left under way", { skip: awsOrSkip(), concurrency: 1 }, () => {
  let rig: FunctionRig;
  before(async () => {
    rig = await startFunctionRig();
    await seedConfiguration(rig);
  });
  after(() => rig.dispose());

  const startFunction = () => {
    const { test, files, flow } = rig;
    const places = { table: test.tableName, bucket: files.bucket, eventBus: flow.eventBus };
    return openServices({ ...places, serverName: "test" });
  };

  /** An upload whose parts have begun to go to S3, as that of a function that is killed now. */
  const beginUpload = async (services: FunctionServices, path: string) => {
    const peer = { address: "127.0.0.1", port: 1 };
    const session = createSessionOpener(services).openSession({ protocol: "https", peer, disconnect: () => {} });
    assert.equal(await session.authenticate({ kind: "password", username: "tester", password }), true);
    const upload = await session.upload(path, { mode: "replace" });
    await upload.append(Buffer.alloc(2 * limits.storePartBytes));
    return upload;
  };

  /** One settlement by a task whose clock is so much further. */
  const settle = async (laterMs = 0) => {
    const { test, files, flow } = rig;
    const now = () => Date.now() + laterMs;
    const client = createDynamoClient();
    const table = new DynamoTable({ client, name: test.tableName, now });
    const [leases, task] = [createDynamoLeases({ table }), { taskId: `task-${now()}`, address: "127.0.0.1:1" }];
    const runtime = { ...createRuntime({ log: createMemoryRuntime().log }), now };
    const tasks = new TaskRegistry({ leases, task, runtime });
    const environment = { dataBucket: files.bucket, eventBus: flow.eventBus, authFunction: "" };
    const services = { ...openGatewayServices(environment, { table, task, tasks, runtime }), runtime, serverName: "t" };
    const settlement = new Settlement({
      leases,
      taskId: task.taskId,
      endLeft: async () => {
        await services.finishMoves?.();
        return { ...(await reconcile(services)), sessions: 0 };
      },
      runtime,
    });
    await settlement.settle();
    client.destroy();
  };

  const told: AccountingEvent[] = [];
  const typesOf = async (path: string) => {
    await rig.flow.deliver("accounting", async ({ Records }) => {
      told.push(...Records.map(({ body }) => (JSON.parse(body) as { detail: AccountingEvent }).detail));
      return { batchItemFailures: [] };
    });
    return told.filter(({ data }) => data.path === path).map(({ type }) => type);
  };
  const staged = () => createDynamoStaging(rig.test.table).unpublished();
  const owners = async () =>
    (await rig.test.table.all({ partition: `${partitions.transfers}owners` })).map(({ sk }) => sk);

  it("goes on while they live, and is ended when they do not", async () => {
    const [living, dead] = [startFunction(), startFunction()];
    for (const services of [living, dead]) await services.owner.live();
    const upload = await beginUpload(living, "/living.bin");
    await beginUpload(dead, "/dead.bin");
    await settle(limits.functionLeaseMs - limits.functionRenewMs);
    assert.equal((await staged()).length, 2);
    // As if the lease of only this one were over.
    await createDynamoLeases({ table: rig.test.table }).release("functions", dead.owner.name, dead.owner.name);
    await settle();
    assert.deepEqual(await typesOf("/dead.bin"), ["transfer.started", "transfer.aborted"]);
    assert.deepEqual(
      (await staged()).map(({ owner }) => owner),
      [living.owner.name],
    );
    await upload.commit();
    await settle(limits.functionLeaseMs);
    assert.deepEqual(await typesOf("/living.bin"), ["transfer.started", "transfer.completed"]);
    assert.deepEqual(await staged(), []);
    assert.deepEqual(await rig.files.objectKeys("tester/dead"), []);
  });

  it("is ended when the lease is over, a rename in the middle finished", async () => {
    const dead = startFunction();
    await dead.owner.live();
    await beginUpload(dead, "/late.bin");
    await rig.files.put("from.txt", "renamed");
    const head = await dead.objects.stat("from.txt");
    assert.ok(head?.type === "file");
    const names = { fromKey: "from.txt", toKey: "to.txt", type: "file", etag: head.etag } as const;
    const startedAtMs = Date.now() - 2 * limits.storeMoveRestMs;
    const move = { moveId: "move", ...names, overwrite: false, owner: dead.owner.name, startedAtMs };
    assert.equal(await createDynamoStaging(rig.test.table).beginMove(move), true);
    await settle();
    assert.deepEqual([(await staged()).length, await rig.files.objectKeys("to")], [1, []]);
    await settle(limits.functionLeaseMs);
    assert.deepEqual(await typesOf("/late.bin"), ["transfer.started", "transfer.aborted"]);
    assert.deepEqual([await staged(), await createDynamoStaging(rig.test.table).moves()], [[], []]);
    assert.equal((await rig.files.content("to.txt")).toString(), "renamed");
  });

  it("leaves no trace of functions that have long been gone", async () => {
    const dead = startFunction();
    await dead.owner.live();
    await beginUpload(dead, "/done.bin");
    for (let times = 0; times < 2; times += 1) await settle(hourMs);
    assert.deepEqual(await typesOf("/done.bin"), ["transfer.started", "transfer.aborted"]);
    assert.ok((await owners()).includes(dead.owner.name));
    await settle(3 * hourMs);
    assert.deepEqual(await owners(), []);
  });
});
