import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Context, SQSEvent } from "aws-lambda";
import { environmentNames as names } from "../../adapters/aws/env.ts";
import { openConfiguration } from "../../lambdas/services/configuration.ts";
import { awsOrSkip } from "../support/aws-services.ts";
import { lambdaContext } from "../support/payload-v2.ts";
import { programOrSkip } from "../support/require-program.ts";
import { putEntry } from "./rig.ts";
import { scanObject } from "./scan-results.ts";
import { startTransferRig, type TransferRig } from "./transfer-rig.ts";

describe("a push with the step scan behind it", { skip: awsOrSkip() || programOrSkip("sshd") }, () => {
  let transfers: TransferRig;
  let scanResult: (event: SQSEvent, context: Context) => Promise<unknown>;
  before(async () => {
    process.env[names.scan] = JSON.stringify({ prefixes: ["tester/kept/"], deny: "infected" });
    transfers = await startTransferRig();
    const { store } = openConfiguration(transfers.rig.test.table, { scan: { prefixes: [], deny: "infected" } });
    const when = { accounts: ["tester"], path: "/outbox/*.xml" };
    const push = { push: { destination: "partner", path: "/in/" } };
    const steps = [push, { move: "/kept/" }, { scan: true }, { copy: "/clean/" }];
    await putEntry(store, "dispatch-rule", { name: "to-partner", when, do: steps });
    ({ handler: scanResult } = await import("../../lambdas/scan-result.ts"));
  });
  after(async () => {
    delete process.env[names.scan];
    await transfers.dispose();
  });

  it("waits for the verdict without pushing again, and goes on when that is there", async () => {
    const { rig, functions, listed } = transfers;
    await transfers.upload("a.xml", Buffer.from("a"));
    await transfers.call();
    assert.deepEqual([await transfers.arrived(), await listed("/kept")], [["a.xml"], ["a.xml"]]);
    await assert.rejects(listed("/clean"), /no such folder/);
    const result = await scanObject(rig.files, "tester/kept/a.xml", "NO_THREATS_FOUND");
    await rig.flow.deliver("accounting", functions.accounting);
    assert.deepEqual(await scanResult(result, lambdaContext()), { batchItemFailures: [] });
    await rig.flow.deliver("dispatch", functions.dispatch);
    await transfers.call();
    assert.deepEqual([await transfers.arrived(), await listed("/clean")], [["a.xml"], ["a.xml"]]);
  });
});
