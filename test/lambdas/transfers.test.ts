import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { createDynamoPushQueue } from "../../adapters/aws/dynamo-push-queue.ts";
import type { AccountingEvent } from "../../core/accounting-event.ts";
import { awsOrSkip } from "../support/aws-services.ts";
import { httpFileClient } from "../support/file-clients.ts";
import { connectHttp } from "../support/http-client.ts";
import { programOrSkip } from "../support/require-program.ts";
import { putPull, startTransferRig, type TransferRig } from "./transfer-rig.ts";

describe("pushes and pulls by the functions", { skip: awsOrSkip() || programOrSkip("sshd"), concurrency: 1 }, () => {
  const content = randomBytes(300_000);
  let transfers: TransferRig;
  before(async () => {
    transfers = await startTransferRig();
  });
  after(() => transfers.dispose());

  const upload = (name: string) => transfers.upload(name, content);
  const waiting = () => createDynamoPushQueue(transfers.rig.test.table).waiting();

  /** Of transfers from or to the destination. */
  async function eventsOf(path: string): Promise<readonly AccountingEvent[]> {
    await transfers.rig.flow.deliver("accounting", transfers.functions.accounting);
    const admin = await connectHttp(transfers.apiUrl, "root");
    const answer = await admin.request("GET", "/v1/events?order=desc&limit=1000&account=tester");
    const { events } = (await answer.json()) as { events: AccountingEvent[] };
    return events.filter(
      ({ data, type }) => type.startsWith("transfer.") && data.path === path && "destination" in data,
    );
  }

  it("deliver a file from the bucket to the site, and go on with the rule's next step", async () => {
    await upload("1.xml");
    assert.deepEqual(await waiting(), [{ destination: "partner", count: 1 }]);
    assert.deepEqual(await transfers.arrived(), []);
    await transfers.call();
    assert.deepEqual(await readFile(join(transfers.server.files, "in/1.xml")), content);
    assert.deepEqual([await waiting(), await transfers.listed("/sent")], [[], ["1.xml"]]);
    const pushed = await eventsOf("/outbox/1.xml");
    assert.deepEqual(pushed.map(({ type }) => type).sort(), ["transfer.completed", "transfer.started"]);
  });

  it("begin nothing for which no time is left", async () => {
    await upload("2.xml");
    await transfers.call(100_000);
    assert.deepEqual(await waiting(), [{ destination: "partner", count: 1 }]);
    assert(!(await transfers.arrived()).includes("2.xml"));
    await transfers.call();
    assert((await transfers.arrived()).includes("2.xml"));
  });

  it("send once what two calls at the same time find", async () => {
    await upload("3.xml");
    await Promise.all([transfers.call(), transfers.call()]);
    assert.deepEqual([(await transfers.arrived()).includes("3.xml"), await waiting()], [true, []]);
    const pushed = await eventsOf("/outbox/3.xml");
    assert.equal(pushed.length, 2);
  });

  it("try again in a later call what a site that is down did not take", async () => {
    await transfers.server.kill();
    await upload("4.xml");
    await transfers.call();
    assert.deepEqual(await waiting(), [{ destination: "partner", count: 1 }]);
    await transfers.server.start();
    while ((await waiting()).length > 0) {
      await delay(200);
      await transfers.call();
    }
    assert.deepEqual(await readFile(join(transfers.server.files, "in/4.xml")), content);
  });

  it("fetch what a pull finds when its schedule comes, and once", async () => {
    await putPull(transfers.rig, { name: "orders", schedule: "* * * * * *" });
    await transfers.call();
    await writeFile(join(transfers.server.files, "out/order.xml"), content);
    for (let names: readonly string[] = []; !names.includes("order.xml"); names = await transfers.listed("/orders")) {
      await delay(1000);
      await transfers.call();
    }
    await delay(1000);
    await transfers.call();
    assert.deepEqual(await transfers.listed("/orders"), ["order.xml"]);
    const client = await httpFileClient(transfers.apiUrl, "tester");
    assert.deepEqual(await client.get("/orders/order.xml"), content);
    await client.close();
    const fetched = await eventsOf("/orders/order.xml");
    assert.deepEqual(fetched.map(({ type }) => type).sort(), ["transfer.completed", "transfer.started"]);
  });
});
