import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setImmediate } from "node:timers/promises";
import { limits } from "../../../core/limits.ts";
import { PasswordTurns } from "../../../service/session/password-turns.ts";

/** Checks that end when they are told to; `begun` are those that have begun. */
function heldChecks(turns: PasswordTurns) {
  const begun: { readonly address: string; readonly end: PromiseWithResolvers<void> }[] = [];
  const begin = (address: string) =>
    turns.pass(address, () => {
      const end = Promise.withResolvers<void>();
      begun.push({ address, end });
      return end.promise;
    });
  return { begun, begin };
}

describe("the turns of password checks", () => {
  it("are so many at the same time for a network, and those of others go on", async () => {
    const { begun, begin } = heldChecks(new PasswordTurns());
    const all = Array.from({ length: limits.passwordChecksPerNetwork + 2 }, (_, index) => begin(`2001:db8::${index}`));
    all.push(begin("192.0.2.1"));
    await setImmediate();
    assert.equal(begun.length, limits.passwordChecksPerNetwork + 1);
    assert.equal(begun.at(-1)?.address, "192.0.2.1");

    begun[0]?.end.resolve();
    await setImmediate();
    assert.equal(begun.at(-1)?.address, `2001:db8::${limits.passwordChecksPerNetwork}`);
    begun[1]?.end.reject(new Error("broken"));
    await assert.rejects(all[1] ?? Promise.resolve(), /broken/);
    await setImmediate();
    assert.equal(begun.length, limits.passwordChecksPerNetwork + 3);
    for (const { end } of begun) end.resolve();
    await Promise.allSettled(all);
  });
});
