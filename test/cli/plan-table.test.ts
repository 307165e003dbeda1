import assert from "node:assert/strict";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { createDynamoAccountDirectory } from "../../adapters/aws/dynamo-account-directory.ts";
import { createDynamoConfiguration } from "../../adapters/aws/dynamo-configuration.ts";
import { type AwsServices, awsOrSkip, startAwsServices } from "../support/aws-services.ts";
import { createTestTable, type TestTable } from "../support/aws-table.ts";
import { createTestBus, type TestBus } from "../support/event-bus.ts";
import { temporaryDirectory } from "../support/product.ts";
import { runProgram } from "../support/run-program.ts";

const launcher = fileURLToPath(new URL("../../bin/ferrygate.mjs", import.meta.url));

const text = `
server: { name: gateway }
groups:
  - name: partners
    permissions: [[allow-list]]
accounts:
  - name: acme
    groups: [partners]
`;

describe("plan and apply against the table", { skip: awsOrSkip() }, () => {
  let services: AwsServices;
  let test: TestTable;
  let bus: TestBus;
  let directory: string;
  let file: string;
  before(async () => {
    services = await startAwsServices();
    test = await createTestTable();
    bus = await createTestBus();
    directory = await temporaryDirectory();
    file = join(directory, "ferrygate.yaml");
    await writeFile(file, text);
  });
  after(async () => {
    await rm(directory, { recursive: true });
    await bus.dispose();
    await test.dispose();
    await services.stop();
  });
  const log = { error: () => {} };
  const run = (command: string, ...args: string[]) =>
    runProgram(process.execPath, [launcher, command, "--config", file, "--table", test.tableName, ...args]);

  it("shows what is missing, makes it so, and puts each change on the bus", async () => {
    const planned = await run("plan");
    assert.equal(planned.exitCode, 2, planned.stderr);
    assert.match(planned.stdout, /\+ group partners[\s\S]*\+ account acme[\s\S]*2 to add, 0 to change, 0 to remove/);
    const applied = await run("apply", "--event-bus", bus.eventBus);
    assert.equal(applied.exitCode, 0, applied.stderr);
    const directoryOfTable = createDynamoAccountDirectory({ table: test.table, log });
    assert.deepEqual(
      (await directoryOfTable.find("acme"))?.groups.map(({ name }) => name),
      ["partners"],
    );
    const told = (await bus.receive()).map(({ type, server, data }) =>
      [type, server, data.kind, data.source].join(" "),
    );
    assert.deepEqual(told, [
      "configuration.changed gateway group apply",
      "configuration.changed gateway account apply",
    ]);
    assert.equal((await run("plan")).stdout, "no difference\n");
  });

  it("leaves the events in the table where no bus is named", async () => {
    await writeFile(file, text.replace("groups: [partners]", "enabled: false"));
    assert.equal((await run("apply")).exitCode, 0);
    const { store } = createDynamoConfiguration({ table: test.table, log });
    assert.deepEqual(
      (await store.unrecordedEvents()).map(({ data }) => data.name),
      ["acme"],
    );
  });

  it("says why the table cannot be used", async () => {
    const { exitCode, stderr } = await run("plan", "--data", directory);
    assert.deepEqual([exitCode, stderr], [1, "ferrygate: --data, --url and --table exclude each other\n"]);
    const missing = await runProgram(process.execPath, [launcher, "plan", "--config", file, "--table", "none"]);
    assert.equal(missing.exitCode, 1);
    assert.match(missing.stderr, /^ferrygate: the table cannot be used at the moment: Requested resource not found/);
  });
});
