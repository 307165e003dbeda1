import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { createDynamoPushQueue } from "../../adapters/aws/dynamo-push-queue.ts";
import type { AccountingEvent } from "../../core/accounting-event.ts";
import { openConfiguration } from "../../lambdas/services/configuration.ts";
import { awsOrSkip } from "../support/aws-services.ts";
import { httpFileClient } from "../support/file-clients.ts";
import { connectHttp } from "../support/http-client.ts";
import { lambdaContext, startHttpApi } from "../support/payload-v2.ts";
import { temporaryDirectory } from "../support/product.ts";
import { programOrSkip } from "../support/require-program.ts";
import { type SshServer, startSshServer } from "../support/ssh-server.ts";
import { type FunctionRig, putEntry, seedConfiguration, startFunctionRig } from "./rig.ts";

describe("pushes and pulls by the functions", { skip: awsOrSkip() || programOrSkip("sshd"), concurrency: 1 }, () => {
  const content = randomBytes(300_000);
  let directory: string;
  let server: SshServer;
  let rig: FunctionRig;
  let functions: Awaited<ReturnType<typeof importFunctions>>;
  let api: Awaited<ReturnType<typeof startHttpApi>>;
  before(async () => {
    directory = await temporaryDirectory();
    server = await startSshServer(directory);
    for (const folder of ["in", "out"]) await mkdir(join(server.files, folder));
    rig = await startFunctionRig();
    await seedConfiguration(rig);
    await seedTransfers(rig, server);
    functions = await importFunctions();
    api = await startHttpApi(functions.httpApi);
    const client = await httpFileClient(api.url, "tester");
    for (const folder of ["/outbox", "/orders"]) await client.makeDirectory(folder);
    await client.close();
  });
  after(async () => {
    await api.close();
    await rig.dispose();
    await server.kill();
    await rm(directory, { recursive: true });
  });

  /** Lets the dispatch function have what is uploaded here. */
  async function upload(name: string): Promise<void> {
    const client = await httpFileClient(api.url, "tester");
    await client.put(`/outbox/${name}`, content);
    await client.close();
    await rig.flow.deliver("dispatch", functions.dispatch);
  }

  const call = (leftMs = 900_000) =>
    functions.transfers({}, { ...lambdaContext(), getRemainingTimeInMillis: () => leftMs });
  const waiting = () => createDynamoPushQueue(rig.test.table).waiting();
  const arrived = () => readdir(join(server.files, "in"));

  async function listed(folder: string): Promise<readonly string[]> {
    const client = await httpFileClient(api.url, "tester");
    const names = await client.list(folder);
    await client.close();
    return names;
  }

  /** Of transfers from or to the destination. */
  async function eventsOf(path: string): Promise<readonly AccountingEvent[]> {
    await rig.flow.deliver("accounting", functions.accounting);
    const admin = await connectHttp(api.url, "root");
    const answer = await admin.request("GET", "/v1/events?order=desc&limit=1000&account=tester");
    const { events } = (await answer.json()) as { events: AccountingEvent[] };
    return events.filter(
      ({ data, type }) => type.startsWith("transfer.") && data.path === path && "destination" in data,
    );
  }

  it("deliver a file from the bucket to the site, and go on with the rule's next step", async () => {
    await upload("1.xml");
    assert.deepEqual(await waiting(), [{ destination: "partner", count: 1 }]);
    assert.deepEqual(await arrived(), []);
    await call();
    assert.deepEqual(await readFile(join(server.files, "in/1.xml")), content);
    assert.deepEqual([await waiting(), await listed("/sent")], [[], ["1.xml"]]);
    const pushed = await eventsOf("/outbox/1.xml");
    assert.deepEqual(pushed.map(({ type }) => type).sort(), ["transfer.completed", "transfer.started"]);
  });

  it("begin nothing for which no time is left", async () => {
    await upload("2.xml");
    await call(100_000);
    assert.deepEqual(await waiting(), [{ destination: "partner", count: 1 }]);
    assert(!(await arrived()).includes("2.xml"));
    await call();
    assert((await arrived()).includes("2.xml"));
  });

  it("send once what two calls at the same time find", async () => {
    await upload("3.xml");
    await Promise.all([call(), call()]);
    assert.deepEqual([(await arrived()).includes("3.xml"), await waiting()], [true, []]);
    const pushed = await eventsOf("/outbox/3.xml");
    assert.equal(pushed.length, 2);
  });

  it("try again in a later call what a site that is down did not take", async () => {
    await server.kill();
    await upload("4.xml");
    await call();
    assert.deepEqual(await waiting(), [{ destination: "partner", count: 1 }]);
    await server.start();
    while ((await waiting()).length > 0) {
      await delay(200);
      await call();
    }
    assert.deepEqual(await readFile(join(server.files, "in/4.xml")), content);
  });

  it("fetch what a pull finds when its schedule comes, and once", async () => {
    await putPull(rig);
    await call();
    await writeFile(join(server.files, "out/order.xml"), content);
    for (let names: readonly string[] = []; !names.includes("order.xml"); names = await listed("/orders")) {
      await delay(1000);
      await call();
    }
    await delay(1000);
    await call();
    assert.deepEqual(await listed("/orders"), ["order.xml"]);
    const client = await httpFileClient(api.url, "tester");
    assert.deepEqual(await client.get("/orders/order.xml"), content);
    await client.close();
    const fetched = await eventsOf("/orders/order.xml");
    assert.deepEqual(fetched.map(({ type }) => type).sort(), ["transfer.completed", "transfer.started"]);
  });
});

async function seedTransfers({ test }: FunctionRig, server: SshServer): Promise<void> {
  const { store } = openConfiguration(test.table);
  await putEntry(store, "destination", {
    name: "partner",
    url: `sftp://127.0.0.1:${server.port}${server.files}`,
    user: server.user,
    privateKey: server.privateKey,
    hostKeys: [`SHA256:${server.hostKey}`],
    timeoutSeconds: 5,
  });
  const when = { accounts: ["tester"], path: "/outbox/*.xml" };
  const steps = [{ push: { destination: "partner", path: "/in/" } }, { move: "/sent/" }];
  await putEntry(store, "dispatch-rule", { name: "to-partner", when, do: steps });
}

/** It looks each second. */
async function putPull({ test }: FunctionRig): Promise<void> {
  const { store } = openConfiguration(test.table);
  const target = { account: "tester", to: "/orders", stableSeconds: 0, schedule: "* * * * * *" };
  await putEntry(store, "pull", { name: "orders", destination: "partner", from: "/out", ...target });
}

async function importFunctions() {
  const [accounting, dispatch, httpApi, transfers] = await Promise.all([
    import("../../lambdas/accounting.ts"),
    import("../../lambdas/dispatch.ts"),
    import("../../lambdas/http-api.ts"),
    import("../../lambdas/transfers.ts"),
  ]);
  return {
    accounting: accounting.handler,
    dispatch: dispatch.handler,
    httpApi: httpApi.handler,
    transfers: transfers.handler,
  };
}
