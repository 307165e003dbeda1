import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ApiToken, ApiTokenStore } from "../../ports/api-tokens.ts";

export interface ApiTokenStoreUnderTest {
  readonly store: ApiTokenStore;
  /** The same tokens, as the next process sees them. */
  reopen(): Promise<ApiTokenStore>;
  dispose(): Promise<void>;
}

const apiToken = (id: string, changes: Partial<ApiToken> = {}): ApiToken => ({
  id,
  accountName: "acme",
  name: `token ${id}`,
  scopes: ["files:read", "events:read"],
  digest: id.padEnd(64, "0"),
  createdAtMs: 1000,
  expiresAtMs: 2000,
  ...changes,
});

/** What every ApiTokenStore has to do, whatever it stands on. */
export function apiTokenStoreContract(name: string, open: () => Promise<ApiTokenStoreUnderTest>): void {
  const using = (work: (under: ApiTokenStoreUnderTest) => Promise<void>) => async () => {
    const under = await open();
    await work(under).finally(() => under.dispose());
  };
  const idsOf = (tokens: readonly ApiToken[]) => tokens.map(({ id }) => id);

  describe(name, () => {
    it(
      "finds a token by its id and by its digest, and nothing else",
      using(async ({ store }) => {
        const token = apiToken("a");
        assert.equal(await store.add(token, 5), "added");
        assert.deepEqual(await store.find({ id: "a" }), token);
        assert.deepEqual(await store.find({ digest: token.digest }), token);
        assert.equal(await store.find({ id: token.digest }), undefined);
        assert.equal(await store.find({ digest: "a" }), undefined);
      }),
    );

    it(
      "lists the tokens of one account, oldest first, and knows whose tokens there are",
      using(async ({ store }) => {
        await store.add(apiToken("a", { createdAtMs: 3000 }), 5);
        await store.add(apiToken("b"), 5);
        await store.add(apiToken("c", { accountName: "Acme" }), 5);
        assert.deepEqual(idsOf(await store.list("acme")), ["b", "a"]);
        assert.deepEqual(idsOf(await store.list("Acme")), ["c"]);
        assert.deepEqual(await store.list("nobody"), []);
        assert.deepEqual([...(await store.accountNames())].sort(), ["Acme", "acme"]);
      }),
    );

    it(
      "keeps no second token of a name, and none over the limit, of the same account",
      using(async ({ store }) => {
        const same = { name: "same" };
        assert.equal(await store.add(apiToken("a", same), 2), "added");
        assert.equal(await store.add(apiToken("b", same), 2), "name-taken");
        assert.equal(await store.add(apiToken("c", { accountName: "other", ...same }), 2), "added");
        const racing = ["d", "e", "f"].map((id) => store.add(apiToken(id), 2));
        assert.deepEqual((await Promise.all(racing)).sort(), ["added", "too-many", "too-many"]);
        assert.equal((await store.list("acme")).length, 2);
        assert.equal(await store.find({ id: "b" }), undefined);
      }),
    );

    it(
      "removes one token, and those whose time is over",
      using(async ({ store }) => {
        await store.add(apiToken("a"), 5);
        await store.add(apiToken("b", { expiresAtMs: 3000 }), 5);
        await store.add(apiToken("c"), 5);
        await store.remove("c");
        await store.remove("c");
        assert.deepEqual(idsOf(await store.list("acme")), ["a", "b"]);
        await store.removeExpired(1999);
        assert.deepEqual(idsOf(await store.list("acme")), ["a", "b"]);
        await store.removeExpired(2000);
        assert.deepEqual(idsOf(await store.list("acme")), ["b"]);
        await store.remove("b");
        assert.deepEqual(await store.accountNames(), []);
      }),
    );

    it(
      "keeps tokens, and their end, over a restart",
      using(async ({ store, reopen }) => {
        await store.add(apiToken("kept"), 5);
        await store.add(apiToken("revoked"), 5);
        await store.remove("revoked");
        const next = await reopen();
        assert.deepEqual(await next.list("acme"), [apiToken("kept")]);
        assert.equal(await next.find({ digest: apiToken("revoked").digest }), undefined);
      }),
    );
  });
}
