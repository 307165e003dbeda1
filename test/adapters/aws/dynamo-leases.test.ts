import { after, before, describe } from "node:test";
import { createDynamoLeases } from "../../../adapters/aws/dynamo-leases.ts";
import { describeLeases } from "../../contract/leases.contract.ts";
import { type AwsServices, awsOrSkip, startAwsServices } from "../../support/aws-services.ts";
import { createTestTable } from "../../support/aws-table.ts";

describe("leases in DynamoDB", { skip: awsOrSkip() }, () => {
  let services: AwsServices;
  before(async () => {
    services = await startAwsServices();
  });
  after(() => services.stop());

  describeLeases("DynamoDB", async () => {
    let nowMs = Date.now();
    const now = () => nowMs;
    const { table, dispose } = await createTestTable({ now });
    return {
      leases: createDynamoLeases({ table }),
      now,
      advance: (ms) => {
        nowMs += ms;
      },
      dispose,
    };
  });
});
