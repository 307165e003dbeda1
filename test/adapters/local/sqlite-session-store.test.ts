import assert from "node:assert/strict";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { createSqliteSessionStore } from "../../../adapters/local/sqlite-session-store.ts";
import { tokenSessionStoreContract } from "../../contract/token-session-store.contract.ts";

tokenSessionStoreContract("the sessions of tokens in a SQLite file", async () => {
  const directory = await mkdtemp(join(tmpdir(), "ferrygate-test-"));
  const file = join(directory, "sessions.sqlite");
  let store = createSqliteSessionStore(file);
  return {
    store,
    reopen: async () => {
      store.close();
      store = createSqliteSessionStore(file);
      return store;
    },
    dispose: async () => {
      store.close();
      await rm(directory, { recursive: true });
    },
  };
});

test("only the owner of the server may read the file of the sessions", async (t) => {
  const directory = await mkdtemp(join(tmpdir(), "ferrygate-test-"));
  t.after(() => rm(directory, { recursive: true }));
  const file = join(directory, "sessions.sqlite");
  createSqliteSessionStore(file).close();
  assert.equal((await stat(file)).mode & 0o077, 0);
});
