import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { openSqliteAlertOutbox } from "../../../adapters/local/sqlite-alert-outbox.ts";
import { type AlertOutboxUnderTest, describeAlertOutbox } from "../../contract/alert-outbox.contract.ts";

describeAlertOutbox("SQLite", async (): Promise<AlertOutboxUnderTest> => {
  const folder = mkdtempSync(join(tmpdir(), "ferrygate-outbox-"));
  let nowMs = 1000;
  const open = () => openSqliteAlertOutbox({ file: join(folder, "alerts.sqlite"), now: () => nowMs });
  let outbox = await open();
  return {
    outbox,
    advance: (ms) => {
      nowMs += ms;
    },
    restart: async () => {
      await outbox.close();
      outbox = await open();
      return outbox;
    },
    dispose: async () => {
      await outbox.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
});

test("the outbox of alerts refuses a file of another program, and one that is damaged", async () => {
  const folder = mkdtempSync(join(tmpdir(), "ferrygate-outbox-"));
  const foreign = join(folder, "foreign.sqlite");
  const database = new DatabaseSync(foreign);
  database.exec("CREATE TABLE t (x)");
  database.close();
  const damaged = join(folder, "damaged.sqlite");
  writeFileSync(damaged, "no database at all, whatever its name says".repeat(100));
  for (const file of [foreign, damaged]) {
    await assert.rejects(openSqliteAlertOutbox({ file, now: () => 0 }), {
      message: /^the outbox of alerts .* cannot/,
    });
  }
  rmSync(folder, { recursive: true });
});
