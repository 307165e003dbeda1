import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { createDynamoTransferBoard } from "../../adapters/aws/dynamo-transfer-board.ts";
import type { ProblemError } from "../../client/problem.ts";
import type { TransferState } from "../../service/destinations/transfer-desk.ts";
import { awsOrSkip } from "../support/aws-services.ts";
import { connectHttp } from "../support/http-client.ts";
import { programOrSkip } from "../support/require-program.ts";
import { putPull, startTransferRig, type TransferRig } from "./transfer-rig.ts";

describe("the desk of transfers behind API Gateway", { skip: awsOrSkip() || programOrSkip("sshd") }, () => {
  const content = randomBytes(300_000);
  let transfers: TransferRig;
  let root: Awaited<ReturnType<typeof connectHttp>>;
  before(async () => {
    transfers = await startTransferRig({ bytesPerSecond: 30_000 });
    await putPull(transfers.rig, { name: "orders", schedule: "0 4 1 1 *" });
    await putPull(transfers.rig, { name: "rests", schedule: "0 4 1 1 *", enabled: false });
    root = await connectHttp(transfers.apiUrl, "root");
  });
  after(() => transfers.dispose());

  const state = async () => (await (await root.request("GET", "/v1/transfers")).json()) as TransferState;
  const run = async (name: string) => (await root.request("POST", `/v1/pulls/${name}/run`)).status;
  const refusal = (request: Promise<unknown>) =>
    request.then(
      () => 0,
      ({ status }: ProblemError) => status,
    );

  async function until<T>(look: () => Promise<T>, isIt: (seen: T) => boolean): Promise<T> {
    for (;;) {
      const seen = await look();
      if (isIt(seen)) return seen;
      await delay(200);
    }
  }

  it("shows every destination and pull before anything was moved", async () => {
    const { destinations, transfers: none, pulls } = await state();
    const url = `sftp://127.0.0.1:${transfers.server.port}${transfers.server.files}`;
    assert.deepEqual(destinations, [{ name: "partner", url, enabled: true, waiting: 0 }]);
    assert.deepEqual(
      [none, pulls.map(({ name, isRunning }) => [name, isRunning])],
      [
        [],
        [
          ["orders", false],
          ["rests", false],
        ],
      ],
    );
    assert.match(pulls[0]?.nextRunAt ?? "", /-01-01T04:00:00\.000Z$/);
    assert.equal(pulls[1]?.nextRunAt, undefined);
  });

  it("calls the function for a pull that is to look now, and refuses one that cannot", async () => {
    await writeFile(join(transfers.server.files, "out/first.xml"), "1");
    assert.equal(await run("orders"), 202);
    const { pulls } = await until(state, ({ pulls: [orders] }) => orders?.lastRun !== undefined);
    assert.equal(pulls[0]?.lastRun?.fetched, 1);
    assert.deepEqual(await transfers.listed("/orders"), ["first.xml"]);
    assert.equal(transfers.lambda.calls.get("transfers"), 1);
    assert.deepEqual([await refusal(run("rests")), await refusal(run("nobody"))], [412, 404]);
  });

  it("tells how far a push is, and lets a pull look meanwhile", async () => {
    await transfers.upload("big.xml", content);
    assert.equal((await state()).destinations[0]?.waiting, 1);
    const called = transfers.call();
    const { destinations, transfers: shown } = await until(state, (seen) => (seen.transfers[0]?.movedBytes ?? 0) > 0);
    assert.deepEqual([destinations[0]?.waiting, shown.length], [0, 1]);
    const [push] = shown;
    assert.deepEqual(
      [push?.direction, push?.destination, push?.account, push?.path, push?.bytes, push?.attempts],
      ["push", "partner", "tester", "/outbox/big.xml", content.length, 1],
    );
    assert.equal(await run("orders"), 202);
    const meanwhile = await until(state, (seen) => seen.pulls[0]?.lastRun?.known === 1 || seen.transfers.length === 0);
    assert.equal(meanwhile.pulls[0]?.lastRun?.known, 1, "the pull has waited for the push");
    assert(!(await transfers.arrived()).includes("big.xml"));
    await called;
    assert.deepEqual((await state()).transfers, []);
    assert.deepEqual(await createDynamoTransferBoard(transfers.rig.test.table).asked(), new Set());
  });

  it("says why a destination failed until a push goes well", async () => {
    await transfers.server.kill();
    await transfers.upload("small.xml", Buffer.from("1"));
    await transfers.call();
    const { destinations } = await state();
    assert.match(destinations[0]?.failure?.reason ?? "", /ECONNREFUSED/);
    await transfers.call();
    assert((await state()).destinations[0]?.failure);
    await transfers.server.start();
    await until(
      () => transfers.call().then(state),
      (seen) => seen.destinations[0]?.waiting === 0,
    );
    assert.equal((await state()).destinations[0]?.failure, undefined);
  });

  it("counts as under way only what was told lately, so that a call that died is not shown for ever", async () => {
    const board = createDynamoTransferBoard(transfers.rig.test.table);
    const dead = { path: "/outbox/x", remotePath: "/in/x", bytes: 1, movedBytes: 0, startedAtMs: 0, attempts: 1 };
    const push = { direction: "push", destination: "partner", account: "tester", ...dead } as const;
    const told = { transfers: [push], runningPulls: ["orders"], followedMs: {} };
    await board.tell("partner", { ...told, holdsUntilMs: Date.now() + 60_000 });
    assert.deepEqual([(await state()).transfers.length, (await state()).pulls[0]?.isRunning], [1, true]);
    await board.tell("partner", { ...told, holdsUntilMs: Date.now() });
    assert.deepEqual([(await state()).transfers.length, (await state()).pulls[0]?.isRunning], [0, false]);
  });

  it("is for operators", async () => {
    const tester = await connectHttp(transfers.apiUrl, "tester");
    assert.equal(await refusal(tester.request("GET", "/v1/transfers")), 403);
    assert.equal(await refusal(tester.request("POST", "/v1/pulls/orders/run")), 403);
  });
});
