import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { TokenSession, TokenSessionStore } from "../../ports/session-tokens.ts";

export interface TokenSessionStoreUnderTest {
  readonly store: TokenSessionStore;
  /** The same sessions, as the next process sees them. */
  reopen(): Promise<TokenSessionStore>;
  dispose(): Promise<void>;
}

const session = (sessionId: string, changes: Partial<TokenSession> = {}): TokenSession => ({
  sessionId,
  accountName: "acme",
  credentialsVersion: "1",
  peer: { address: "192.0.2.1", port: 50_000 },
  startedAtMs: 1000,
  expiresAtMs: 2000,
  ...changes,
});

/** What every TokenSessionStore has to do, whatever it stands on. Its clock stands at the epoch. */
export function tokenSessionStoreContract(name: string, open: () => Promise<TokenSessionStoreUnderTest>): void {
  const using = (work: (under: TokenSessionStoreUnderTest) => Promise<void>) => async () => {
    const under = await open();
    await work(under).finally(() => under.dispose());
  };

  describe(name, () => {
    it(
      "keeps sessions, and their end, over a restart",
      using(async ({ store, reopen }) => {
        await store.add(session("kept"));
        await store.add(session("ended"));
        await store.remove("ended");
        await store.remove("ended");
        const next = await reopen();
        assert.deepEqual(await next.find("kept"), session("kept"));
        assert.equal(await next.find("ended"), undefined);
      }),
    );

    it(
      "counts the sessions of an account and finds those whose time is over",
      using(async ({ store }) => {
        await store.add(session("a"));
        await store.add(session("b", { expiresAtMs: 3000 }));
        await store.add(session("c", { accountName: "other", expiresAtMs: 9000 }));
        assert.deepEqual([await store.countOf("acme"), await store.countOf("nobody")], [2, 0]);
        const expired = async (nowMs: number) => (await store.expired(nowMs)).map(({ sessionId }) => sessionId).sort();
        assert.deepEqual([await expired(1999), await expired(2000), await expired(3000)], [[], ["a"], ["a", "b"]]);
        await store.remove("a");
        assert.deepEqual([await store.countOf("acme"), await expired(3000)], [1, ["b"]]);
      }),
    );
  });
}
