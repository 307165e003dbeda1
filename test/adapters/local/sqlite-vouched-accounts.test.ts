import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, it } from "node:test";
import { openSqliteVouchedAccounts } from "../../../adapters/local/sqlite-vouched-accounts.ts";
import { plainExternalAccount } from "../../../core/external-account.ts";
import { vouchedAccountsContract } from "../../contract/vouched-accounts.contract.ts";

const newFolder = () => mkdtempSync(join(tmpdir(), "ferrygate-vouched-"));

vouchedAccountsContract("the vouched accounts in a SQLite file", async (now) => {
  const folder = newFolder();
  const open = () => openSqliteVouchedAccounts({ file: join(folder, "accounts.sqlite"), now });
  let memory = open();
  return {
    memory,
    reopen: async () => {
      memory.close();
      memory = open();
      return memory;
    },
    dispose: async () => {
      memory.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
});

describe("the file of vouched accounts", () => {
  let folder: string;
  const open = () => openSqliteVouchedAccounts({ file: join(folder, "accounts.sqlite"), now: () => 0 });
  beforeEach(() => {
    folder = newFolder();
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it("takes nothing once it is closed", async () => {
    const memory = open();
    memory.close();
    const account = { name: "c", external: plainExternalAccount, expiresAtMs: 1000 };
    await assert.rejects(memory.keep(account), { code: "unavailable" });
  });

  it("is not that of another program", () => {
    const database = new DatabaseSync(join(folder, "accounts.sqlite"));
    database.exec("CREATE TABLE t (x)");
    database.close();
    assert.throws(open, { message: /^the memory of vouched accounts .* cannot be used/ });
  });
});
