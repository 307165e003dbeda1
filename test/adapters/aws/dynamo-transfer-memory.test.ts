import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { createDynamoPullMemory } from "../../../adapters/aws/dynamo-pull-memory.ts";
import { createDynamoPushQueue } from "../../../adapters/aws/dynamo-push-queue.ts";
import { createDynamoTransferBoard } from "../../../adapters/aws/dynamo-transfer-board.ts";
import { limits } from "../../../core/limits.ts";
import { describeTransferMemory, type TransferMemoryUnderTest } from "../../contract/transfer-memory.contract.ts";
import { type AwsServices, awsOrSkip, startAwsServices } from "../../support/aws-services.ts";
import { createTestTable } from "../../support/aws-table.ts";

describe("pushes and pulls on DynamoDB", { skip: awsOrSkip() }, () => {
  let services: AwsServices;
  before(async () => {
    services = await startAwsServices();
  });
  after(() => services.stop());

  describeTransferMemory("DynamoDB", async () => {
    const { table, dispose } = await createTestTable();
    const memory = (): TransferMemoryUnderTest => ({
      pushes: createDynamoPushQueue(table),
      pulls: createDynamoPullMemory(table),
      restart: async () => memory(),
      dispose,
    });
    return memory();
  });

  it("forgets what was pulled when nobody has asked for it in a long time, whatever its name", async () => {
    let nowMs = 1_700_000_000_000;
    const { table, dispose } = await createTestTable({ now: () => nowMs });
    const pulls = createDynamoPullMemory(table);
    const asked = `${"x".repeat(2000)}/ü`;
    for (const id of [asked, "not asked"]) await pulls.remember("in", id);
    nowMs += limits.claimRetentionMs / 2;
    assert.deepEqual(await pulls.known("in", [asked, "never"]), new Set([asked]));
    nowMs += limits.claimRetentionMs / 2 + 48 * 60 * 60 * 1000;
    assert.deepEqual(await pulls.known("in", [asked, "not asked"]), new Set([asked]));
    await dispose();
  });

  it("keeps what was told about a destination, and which pulls are to look, for a time", async () => {
    let nowMs = 1_700_000_000_000;
    const { table, dispose } = await createTestTable({ now: () => nowMs });
    const board = createDynamoTransferBoard(table);
    const standing = { transfers: [], runningPulls: ["in"], followedMs: { in: nowMs }, holdsUntilMs: nowMs };
    assert.equal(await board.standing("a"), undefined);
    await board.tell("a", { ...standing, failure: { at: "now", reason: "it is down" } });
    await board.tell("a", standing);
    await board.tell("b", standing);
    assert.deepEqual(await board.standing("a"), standing);
    assert.deepEqual([...(await board.standings()).keys()], ["a", "b"]);
    for (const pull of ["x", "y", "x"]) await board.ask(pull);
    await board.answer("y");
    await board.answer("never");
    assert.deepEqual(await board.asked(), new Set(["x"]));
    nowMs += limits.pullAskMs + 1000;
    assert.deepEqual(await board.asked(), new Set());
    nowMs += limits.claimRetentionMs;
    assert.deepEqual(await board.standings(), new Map());
    await dispose();
  });
});
