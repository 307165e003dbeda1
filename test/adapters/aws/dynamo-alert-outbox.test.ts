import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { createDynamoAlertOutbox } from "../../../adapters/aws/dynamo-alert-outbox.ts";
import { describeAlertOutbox } from "../../contract/alert-outbox.contract.ts";
import { type AwsServices, awsOrSkip, startAwsServices } from "../../support/aws-services.ts";
import { createTestTable } from "../../support/aws-table.ts";

/** The server of the tests lets a transaction see half of another, which DynamoDB never does. */
function oneByOne({ middlewareStack }: DynamoDBDocumentClient): void {
  let before: Promise<unknown> = Promise.resolve();
  middlewareStack.add(
    (next) => (args) => {
      const answer = before.then(() => next(args));
      before = answer.catch(() => {});
      return answer;
    },
    { step: "initialize", priority: "low", name: "oneByOne" },
  );
}

describe("the outbox of alerts on DynamoDB", { skip: awsOrSkip() }, () => {
  let services: AwsServices;
  before(async () => {
    services = await startAwsServices();
  });
  after(() => services.stop());

  describeAlertOutbox("DynamoDB", async () => {
    let nowMs = 1_700_000_000_000;
    const { table, client, dispose } = await createTestTable({ now: () => nowMs });
    oneByOne(client);
    return {
      outbox: createDynamoAlertOutbox(table),
      advance: (ms) => {
        nowMs += ms;
      },
      restart: async () => createDynamoAlertOutbox(table),
      dispose,
    };
  });

  it("lets several processes note alerts of one rule at the same time", async (t) => {
    const { table, client, dispose } = await createTestTable();
    t.after(dispose);
    oneByOne(client);
    const lane = { rule: "a rule", target: "email" } as const;
    const event = {
      id: "e",
      type: "file.deleted",
      time: "",
      server: "",
      protocol: "sftp",
      message: "",
      data: {},
    } as const;
    const deliveries = Array.from({ length: 12 }, (_, index) => ({ id: `${index % 9}`, lane, event, acceptedAtMs: 1 }));
    const processes = Array.from({ length: 4 }, () => createDynamoAlertOutbox(table));
    await Promise.all(deliveries.map((delivery, index) => processes[index % 4]?.add([delivery])));
    const { first, count } = await createDynamoAlertOutbox(table).pending(lane, 100);
    assert.deepEqual([first.map(({ position }) => position), count], [[1, 2, 3, 4, 5, 6, 7, 8, 9], 9]);
  });
});
