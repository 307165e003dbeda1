import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { TransferFamilyAuthorizerResult } from "aws-lambda";
import type { AccountingEvent } from "../../core/accounting-event.ts";
import { batchOf } from "../support/aws-event-flow.ts";
import { awsOrSkip } from "../support/aws-services.ts";
import { password } from "../support/product.ts";
import { type Bundles, makeBundles } from "./bundles.ts";
import { type FunctionRig, messageOf, seedConfiguration, startFunctionRig, transferRole } from "./rig.ts";

const event: AccountingEvent = {
  id: "event-1",
  type: "directory.listed",
  time: "2026-11-26T12:00:00.000Z",
  server: "test",
  account: { name: "tester", groups: [] },
  protocol: "sftp",
  message: "listed",
  data: { path: "/" },
};

const login = { username: "tester", password, protocol: "SFTP", serverId: "s-1", sourceIp: "203.0.113.7" };

const health = {
  version: "2.0",
  routeKey: "$default",
  rawPath: "/health",
  rawQueryString: "",
  headers: {},
  requestContext: { http: { method: "GET", path: "/health", sourceIp: "203.0.113.7" } },
  isBase64Encoded: false,
};

/** An event for each function, and what its answer has to be. */
const samples: Readonly<Record<string, { readonly event: unknown; readonly check: (answer: unknown) => void }>> = {
  accounting: {
    event: batchOf([messageOf(event)]),
    check: (answer) => assert.deepEqual(answer, { batchItemFailures: [] }),
  },
  alerts: { event: { source: "aws.events" }, check: (answer) => assert.equal(answer, undefined) },
  authorize: {
    event: { account: "limited", action: "read", path: "/inbox/a" },
    check: (answer) => assert.equal((answer as { effect: string }).effect, "deny"),
  },
  "custom-auth": {
    event: login,
    check: (answer) => assert.equal((answer as TransferFamilyAuthorizerResult).Role, transferRole),
  },
  dispatch: {
    event: batchOf([messageOf(event)]),
    check: (answer) => assert.deepEqual(answer, { batchItemFailures: [] }),
  },
  "http-api": { event: health, check: (answer) => assert.equal((answer as { statusCode: number }).statusCode, 200) },
};

describe("the bundles", { skip: awsOrSkip(), concurrency: 1 }, () => {
  let rig: FunctionRig;
  let bundles: Bundles;
  before(async () => {
    bundles = await makeBundles();
    rig = await startFunctionRig();
    await seedConfiguration(rig);
  });
  after(async () => {
    await rig.dispose();
    await bundles.dispose();
  });

  for (const [name, sample] of Object.entries(samples)) {
    it(`hold all that ${name} needs to answer`, async () => {
      const { answer, error } = await bundles.call(name, sample.event, rig.environment);
      assert.equal(error, undefined);
      sample.check(answer);
    });

    it(`of ${name} names every variable that is missing`, async () => {
      const { error } = await bundles.call(name, sample.event, {});
      assert.match(error ?? "", /^EnvironmentError: .*FERRYGATE_TABLE is not set; .*FERRYGATE_\w+ is not set/);
    });

    it(`of ${name} is shown with its size`, () => {
      assert.match(bundles.sizes, new RegExp(`lambdas/${name}/index\\.mjs +\\d+ kB +\\d+ kB gzip`));
    });
  }
});
