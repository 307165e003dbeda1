import { after, before, describe } from "node:test";
import { createDynamoFailedLogins } from "../../../adapters/aws/dynamo-failed-logins.ts";
import type { FailedLogins } from "../../../ports/failed-logins.ts";
import { describeFailedLogins } from "../../contract/failed-logins.contract.ts";
import { type AwsServices, awsOrSkip, startAwsServices } from "../../support/aws-services.ts";
import { createTestTable } from "../../support/aws-table.ts";

describe("failed logins on DynamoDB", { skip: awsOrSkip() }, () => {
  let services: AwsServices;
  before(async () => {
    services = await startAwsServices();
  });
  after(() => services.stop());

  describeFailedLogins("two instances of a function", async () => {
    let nowMs = 0;
    const { table, dispose } = await createTestTable({ now: () => nowMs });
    const instances = [createDynamoFailedLogins(table), createDynamoFailedLogins(table)];
    let asked = 0;
    const next = () => {
      asked += 1;
      return instances[asked % 2] as FailedLogins;
    };
    return {
      logins: { waitMs: (...given) => next().waitMs(...given), add: (...given) => next().add(...given) },
      setTime: (ms) => {
        nowMs = ms;
      },
      dispose,
    };
  });
});
