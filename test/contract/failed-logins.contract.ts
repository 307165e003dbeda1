import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { limits } from "../../core/limits.ts";
import type { FailedLogins } from "../../ports/failed-logins.ts";

const startMs = 1_700_000_000_000;

/** What everybody who counts failed logins has to do. */
export function describeFailedLogins(
  name: string,
  create: () => Promise<{ readonly logins: FailedLogins; setTime(nowMs: number): void; dispose(): Promise<void> }>,
): void {
  describe(`${name} as the count of failed logins`, () => {
    const counted = (title: string, work: (logins: FailedLogins, setTime: (nowMs: number) => void) => Promise<void>) =>
      it(title, async () => {
        const { logins, setTime, dispose } = await create();
        setTime(startMs);
        await work(logins, setTime).finally(dispose);
      });

    const fail = async (logins: FailedLogins, address: string, count: number) => {
      await Promise.all(Array.from({ length: count }, () => logins.add(address, startMs)));
    };

    counted("lets a client wait for the rest of the time in which it failed too often", async (logins, setTime) => {
      await fail(logins, "192.0.2.1", limits.failedLogins);
      assert.equal(await logins.waitMs("192.0.2.1", startMs), limits.failedLoginsMs);
      const endMs = startMs + limits.failedLoginsMs;
      setTime(endMs - 1);
      assert.equal(await logins.waitMs("192.0.2.1", endMs - 1), 1);
      setTime(endMs);
      assert.equal(await logins.waitMs("192.0.2.1", endMs), 0);
      await logins.add("192.0.2.1", endMs);
      assert.equal(await logins.waitMs("192.0.2.1", endMs), 0);
    });

    counted("lets nobody wait for fewer failures, or for those of others", async (logins) => {
      await fail(logins, "192.0.2.1", limits.failedLogins - 1);
      assert.equal(await logins.waitMs("192.0.2.1", startMs + 1), 0);
      await fail(logins, "192.0.2.2", limits.failedLogins);
      assert.equal(await logins.waitMs("192.0.2.1", startMs + 1), 0);
      await fail(logins, "192.0.2.1", 1);
      assert.ok((await logins.waitMs("192.0.2.1", startMs + 1)) > 0);
    });

    counted("counts the addresses of one IPv6 network as one", async (logins) => {
      for (let index = 1; index <= limits.failedLogins; index += 1) {
        await logins.add(`2001:db8::${index.toString(16)}`, startMs);
      }
      assert.ok((await logins.waitMs("2001:db8::ffff:1", startMs + 1)) > 0);
      assert.equal(await logins.waitMs("2001:db8:0:1::1", startMs + 1), 0);
    });
  });
}
