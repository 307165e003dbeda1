import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, it } from "node:test";
import { openSqliteVouchedAccounts } from "../../../adapters/local/sqlite-vouched-accounts.ts";
import { plainExternalAccount } from "../../../core/external-account.ts";

describe("the memory of vouched accounts", () => {
  let folder: string;
  let nowMs: number;
  const open = () => openSqliteVouchedAccounts({ file: join(folder, "accounts.sqlite"), now: () => nowMs });
  const account = (name: string, expiresAtMs = 1000) => ({ name, external: plainExternalAccount, expiresAtMs });

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "ferrygate-vouched-"));
    nowMs = 0;
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it("has the latest word about each name, the latest login last", async () => {
    const first = open();
    await first.keep(account("a"));
    await first.keep(account("b"));
    const changed = { ...account("a", 2000), external: { ...plainExternalAccount, home: "elsewhere" } };
    await first.keep(changed);
    first.close();
    const second = open();
    assert.deepEqual(await second.load(), [account("b"), changed]);
    second.close();
  });

  it("forgets what holds no more", async () => {
    const memory = open();
    await memory.keep(account("a", 1000));
    await memory.keep(account("b", 1001));
    nowMs = 1000;
    assert.deepEqual(await memory.load(), [account("b", 1001)]);
    memory.close();
    await assert.rejects(memory.keep(account("c")), { code: "unavailable" });
  });

  it("refuses a file of another program", () => {
    const database = new DatabaseSync(join(folder, "accounts.sqlite"));
    database.exec("CREATE TABLE t (x)");
    database.close();
    assert.throws(open, { message: /^the memory of vouched accounts .* cannot be used/ });
  });
});
