import assert from "node:assert/strict";
import type { TransferFamilyAuthorizerResult } from "aws-lambda";
import type { AccountingEvent } from "../../core/accounting-event.ts";
import { batchOf } from "../support/aws-event-flow.ts";
import { password } from "../support/product.ts";
import { messageOf, transferRole } from "./rig.ts";

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
export const samples: Readonly<Record<string, { readonly event: unknown; readonly check: (answer: unknown) => void }>> =
  {
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
    "scan-result": {
      event: batchOf([{ MessageId: "other", Body: "{}" }]),
      check: (answer) => assert.deepEqual(answer, { batchItemFailures: [{ itemIdentifier: "other" }] }),
    },
    transfers: { event: { source: "aws.events" }, check: (answer) => assert.equal(answer, undefined) },
    "http-api": { event: health, check: (answer) => assert.equal((answer as { statusCode: number }).statusCode, 200) },
  };
