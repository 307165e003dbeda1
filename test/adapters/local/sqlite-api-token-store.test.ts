import assert from "node:assert/strict";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { createSqliteApiTokenStore } from "../../../adapters/local/sqlite-api-token-store.ts";
import { apiTokenStoreContract } from "../../contract/api-token-store.contract.ts";

apiTokenStoreContract("the API tokens in a SQLite file", async () => {
  const directory = await mkdtemp(join(tmpdir(), "ferrygate-test-"));
  const file = join(directory, "api_tokens.sqlite");
  let open = createSqliteApiTokenStore(file);
  return {
    store: open,
    reopen: async () => {
      open.close();
      open = createSqliteApiTokenStore(file);
      return open;
    },
    dispose: async () => {
      open.close();
      await rm(directory, { recursive: true });
    },
  };
});

test("only the owner of the server may read the file of the API tokens", async (t) => {
  const directory = await mkdtemp(join(tmpdir(), "ferrygate-test-"));
  t.after(() => rm(directory, { recursive: true }));
  const file = join(directory, "api_tokens.sqlite");
  createSqliteApiTokenStore(file).close();
  assert.equal((await stat(file)).mode & 0o077, 0);
});
