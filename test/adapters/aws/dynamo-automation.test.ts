import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import {
  createDynamoClaims,
  createDynamoConsumerPositions,
  createDynamoDeadLetters,
} from "../../../adapters/aws/dynamo-automation.ts";
import { limits } from "../../../core/limits.ts";
import { type AutomationUnderTest, describeAutomationState } from "../../contract/automation-state.contract.ts";
import { type AwsServices, awsOrSkip, startAwsServices } from "../../support/aws-services.ts";
import { createTestTable } from "../../support/aws-table.ts";

describe("the memory of consumers on DynamoDB", { skip: awsOrSkip() }, () => {
  let services: AwsServices;
  before(async () => {
    services = await startAwsServices();
  });
  after(() => services.stop());

  async function open(): Promise<AutomationUnderTest> {
    let nowMs = 1_700_000_000_000;
    const { table, dispose } = await createTestTable({ now: () => nowMs });
    const state = (): AutomationUnderTest => ({
      positions: createDynamoConsumerPositions(table),
      claims: createDynamoClaims(table),
      deadLetters: createDynamoDeadLetters(table),
      advance: (ms) => {
        nowMs += ms;
      },
      // Other processes may be at work, so a lease outlives its owner.
      restart: async () => {
        nowMs += 1000;
        return state();
      },
      dispose,
    });
    return state();
  }

  describeAutomationState("DynamoDB", open);

  it("keeps the claims of an event that may be replayed, and lets the others go", async () => {
    const { claims, deadLetters, advance, dispose } = await open();
    const event = {
      id: "E",
      type: "file.renamed",
      time: "",
      server: "",
      protocol: "sftp",
      message: "",
      data: {},
    } as const;
    const letter = { id: "dispatch.E", consumer: "dispatch", event, reason: "no", attempts: 1, failedAt: "" };
    const take = (id: string) => claims.claim({ id, owner: "1", leaseMs: 1000 });
    for (const id of ["dispatch.E/rule/do.0", "dispatch.F/rule/do.0"]) {
      await take(id);
      await claims.complete(id, "1", "done");
    }
    await deadLetters.put(letter);
    advance(limits.claimRetentionMs + 2000);
    assert.deepEqual(await take("dispatch.E/rule/do.0"), { state: "completed", note: "done" });
    assert.deepEqual(await take("dispatch.F/rule/do.0"), { state: "claimed", note: undefined });
    await deadLetters.remove(letter.id);
    assert.deepEqual(await take("dispatch.E/rule/do.0"), { state: "completed", note: "done" });
    advance(limits.claimRetentionMs + 1000);
    assert.deepEqual(await take("dispatch.E/rule/do.0"), { state: "claimed", note: undefined });
    await dispose();
  });

  it("takes the end of its work a second time from the same owner", async () => {
    const { claims, dispose } = await open();
    await claims.claim({ id: "w", owner: "1", leaseMs: 1000 });
    await claims.complete("w", "1", "done");
    await claims.complete("w", "1", "done");
    await assert.rejects(claims.complete("w", "1", "other"), { code: "unavailable" });
    await dispose();
  });
});
