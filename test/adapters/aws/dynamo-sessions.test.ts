import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { createDynamoApiTokenStore } from "../../../adapters/aws/dynamo-api-tokens.ts";
import { createDynamoPendingUploadStore } from "../../../adapters/aws/dynamo-pending-uploads.ts";
import { createDynamoTokenSessionStore } from "../../../adapters/aws/dynamo-sessions.ts";
import type { DynamoTable } from "../../../adapters/aws/dynamo-table.ts";
import { createDynamoVouchedAccounts } from "../../../adapters/aws/dynamo-vouched-accounts.ts";
import { plainExternalAccount } from "../../../core/external-account.ts";
import { apiTokenStoreContract } from "../../contract/api-token-store.contract.ts";
import { pendingUploadStoreContract } from "../../contract/pending-upload-store.contract.ts";
import { tokenSessionStoreContract } from "../../contract/token-session-store.contract.ts";
import { vouchedAccountsContract } from "../../contract/vouched-accounts.contract.ts";
import { type AwsServices, awsOrSkip, startAwsServices } from "../../support/aws-services.ts";
import { createTestTable } from "../../support/aws-table.ts";

describe("sessions on DynamoDB", { skip: awsOrSkip() }, () => {
  let services: AwsServices;
  before(async () => {
    services = await startAwsServices();
  });
  after(() => services.stop());

  const opening =
    <T>(create: (table: DynamoTable) => T) =>
    async () => {
      const { table, dispose } = await createTestTable({ now: () => 0 });
      return { store: create(table), reopen: async () => create(table), dispose };
    };

  tokenSessionStoreContract("the sessions of tokens on DynamoDB", opening(createDynamoTokenSessionStore));
  apiTokenStoreContract("the API tokens on DynamoDB", opening(createDynamoApiTokenStore));
  pendingUploadStoreContract("the uploads in parts on DynamoDB", opening(createDynamoPendingUploadStore));
  vouchedAccountsContract("the vouched accounts on DynamoDB", async (now) => {
    const { table, dispose } = await createTestTable({ now });
    return {
      memory: createDynamoVouchedAccounts(table),
      reopen: async () => createDynamoVouchedAccounts(table),
      dispose,
    };
  });

  it("finds one vouched account without reading the others, to the millisecond of its end", async () => {
    let nowMs = 0;
    const { table, dispose } = await createTestTable({ now: () => nowMs });
    const memory = createDynamoVouchedAccounts(table);
    const account = { name: "a", external: plainExternalAccount, expiresAtMs: 1500 };
    await memory.keep(account);
    nowMs = 1499;
    assert.deepEqual(await memory.find("a"), account);
    nowMs = 1500;
    assert.equal(await memory.find("a"), undefined);
    assert.equal(await memory.find("b"), undefined);
    await dispose();
  });
});
