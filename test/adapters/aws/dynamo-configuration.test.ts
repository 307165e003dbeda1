import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";
import { createDynamoAccountDirectory } from "../../../adapters/aws/dynamo-account-directory.ts";
import { createDynamoConfiguration, type DynamoConfiguration } from "../../../adapters/aws/dynamo-configuration.ts";
import type { DynamoTable } from "../../../adapters/aws/dynamo-table.ts";
import type { EntryKind, JsonObject } from "../../../core/configuration-entry.ts";
import { limits } from "../../../core/limits.ts";
import type { ConfigurationStore } from "../../../ports/configuration-store.ts";
import { configurationStoreContract } from "../../contract/configuration-store.contract.ts";
import { type AwsServices, awsOrSkip, startAwsServices } from "../../support/aws-services.ts";
import { createTestTable, type TestTable } from "../../support/aws-table.ts";

describe("the configuration on DynamoDB", { skip: awsOrSkip() }, () => {
  let services: AwsServices;
  before(async () => {
    services = await startAwsServices();
  });
  after(() => services.stop());

  configurationStoreContract("the entries on DynamoDB", async () => {
    const { table, dispose } = await createTestTable();
    const open = () => createDynamoConfiguration({ table, log: { error: () => {} } }).store;
    return { store: open(), another: async () => open(), hasMail: true, dispose };
  });

  describe("what is in force", () => {
    let test: TestTable;
    let table: DynamoTable;
    let configuration: DynamoConfiguration;
    let reported: unknown[];
    const log = { error: (message: string, fields?: object) => void reported.push([message, fields]) };
    beforeEach(async () => {
      test = await createTestTable();
      table = test.table;
      reported = [];
      configuration = createDynamoConfiguration({ table, log });
    });
    afterEach(() => test.dispose());
    const put = (kind: EntryKind, value: JsonObject & { name: string }, store = configuration.store) =>
      change(store, kind, value);

    it("is what was changed last, by whomever", async () => {
      assert.equal((await configuration.current()).accounts.size, 0);
      const other = createDynamoConfiguration({ table, log }).store;
      await put("group", { name: "g", permissions: [["allow-list"]] }, other);
      await put("account", { name: "a", groups: ["g"] }, other);
      const first = (await configuration.current()).accounts.get("a");
      assert.deepEqual(
        first?.groups.map(({ name }) => name),
        ["g"],
      );
      await put("group", { name: "g", enabled: false }, other);
      assert.equal((await configuration.current()).accounts.get("a")?.groups[0]?.enabled, false);
      await change(other, "account", { name: "a" }, true);
      assert.equal((await configuration.current()).accounts.size, 0);
    });

    it("is read whole again by a process that missed more than is remembered", async () => {
      await configuration.current();
      const names = Array.from({ length: 5 }, (_, index) => `g${index}`);
      for (const name of names) await put("group", { name });
      for (const { pk, sk } of await table.all({ partition: "configuration#changes", limit: 2 })) {
        await table.remove({ pk, sk });
      }
      assert.deepEqual([...(await configuration.current()).groups.keys()].sort(), names);
    });

    it("is as much as a part needs", async () => {
      const rules = createDynamoConfiguration({ table, log, kinds: ["alert-rule"] });
      await put("group", { name: "g" });
      await put("alert-rule", { name: "r", when: { types: ["alert.failed"] }, webhook: { url: "https://h.example" } });
      const { groups, alerts } = await rules.current();
      assert.deepEqual([groups.size, alerts.map(({ name }) => name)], [0, ["r"]]);
    });

    it("leaves out what this version cannot read, and says so", async () => {
      await put("group", { name: "g" });
      await table.put({
        pk: "configuration#account",
        sk: "new",
        value: JSON.stringify({ name: "new", later: 1 }),
        modified: "",
      });
      assert.equal((await configuration.current()).accounts.size, 0);
      const directory = createDynamoAccountDirectory({ table, log });
      assert.equal(await directory.find("new"), undefined);
      assert.equal(reported.length, 2);
    });

    it("is what the directory finds, one account at a time", async () => {
      const directory = createDynamoAccountDirectory({ table, log });
      await put("group", { name: "g", permissions: [[`/\${USER}/*`, "allow-read"]] });
      await put("group", { name: "h" });
      await put("account", { name: "a", groups: ["h", "g"], roles: ["admin"] });
      const found = await directory.find("a");
      const current = (await configuration.current()).accounts.get("a");
      assert.deepEqual(JSON.parse(JSON.stringify(found)), JSON.parse(JSON.stringify(current)));
      assert.deepEqual(
        found?.groups.map(({ name }) => name),
        ["h", "g"],
      );
      for (const name of ["", "A", "b", "x".repeat(limits.accountNameLength + 1)]) {
        assert.equal(await directory.find(name), undefined);
      }
    });
  });
});

async function change(
  store: ConfigurationStore,
  kind: EntryKind,
  value: JsonObject & { name: string },
  isRemoval = false,
): Promise<void> {
  const { name } = value;
  const wanted = { kind, name, valueFrom: () => (isRemoval ? undefined : value), precondition: {}, dryRun: false };
  await store.change(wanted, ({ before, after }) => ({
    id: `${before?.etag} ${after?.etag}`,
    type: "configuration.changed",
    time: "2026-11-22T12:00:00.000Z",
    server: "test",
    protocol: "system",
    message: name,
    data: {},
  }));
}
