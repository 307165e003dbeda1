import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { plainExternalAccount } from "../../core/external-account.ts";
import type { VouchedAccount, VouchedAccounts } from "../../ports/vouched-accounts.ts";

export interface VouchedAccountsUnderTest {
  readonly memory: VouchedAccounts;
  /** The same accounts, as the next process sees them. */
  reopen(): Promise<VouchedAccounts>;
  dispose(): Promise<void>;
}

const account = (name: string, expiresAtMs = 1000): VouchedAccount => ({
  name,
  external: plainExternalAccount,
  expiresAtMs,
});

/** What every VouchedAccounts has to do. @param open gets the clock that it is to use */
export function vouchedAccountsContract(
  name: string,
  open: (now: () => number) => Promise<VouchedAccountsUnderTest>,
): void {
  describe(name, () => {
    it("has the latest word about each name, the latest login last", async () => {
      const { memory, reopen, dispose } = await open(() => 0);
      await memory.keep(account("a"));
      await memory.keep(account("b"));
      const external = { ...plainExternalAccount, home: "elsewhere", folders: [{ path: "/x", prefix: "y" }] };
      const changed = { ...account("a", 2000), external };
      await memory.keep(changed);
      assert.deepEqual(await (await reopen()).load(), [account("b"), changed]);
      await dispose();
    });

    it("forgets what holds no more", async () => {
      let nowMs = 0;
      const { memory, dispose } = await open(() => nowMs);
      await memory.keep(account("a", 1000));
      await memory.keep(account("b", 1001));
      nowMs = 1000;
      assert.deepEqual(await memory.load(), [account("b", 1001)]);
      await dispose();
    });
  });
}
