import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { limits } from "../../core/limits.ts";
import type { PasswordHasher } from "../../ports/password-hasher.ts";
import { countSuccesses, refuses } from "./refusal.ts";

/** What every PasswordHasher has to do, whatever it stands on. */
export function passwordHasherContract(name: string, create: () => PasswordHasher): void {
  describe(name, () => {
    it("accepts the password that was hashed, and no other", async () => {
      const hasher = create();
      for (const password of ["secret", "x", "naïve \u{1f600}", " ", "x".repeat(limits.passwordBytes)]) {
        const hash = await hasher.hash(password);
        assert.equal(await hasher.verify(password, hash), true);
        assert.equal(await hasher.verify(`${password} `, hash), false);
        assert.equal(await hasher.verify(password.toUpperCase(), hash), password.toUpperCase() === password);
      }
    });

    it("salts: one password has many hashes, in PHC string form", async () => {
      const hasher = create();
      const [first, second] = [await hasher.hash("secret"), await hasher.hash("secret")];
      assert.match(first, /^\$[a-z0-9-]+\$/);
      assert.notEqual(first, second);
      assert.equal(await hasher.verify("secret", second), true);
    });

    it("accepts nothing without a hash, or with one that it cannot read", async () => {
      const hasher = create();
      for (const hash of [undefined, "", "secret", "$", "$argon2id$", "$1$salt$hash"]) {
        assert.equal(await hasher.verify("secret", hash), false);
        assert.equal(await hasher.verify("", hash), false);
      }
    });

    it("neither hashes nor accepts a password that is empty or over the limit", async () => {
      const hasher = create();
      const hash = await hasher.hash("x".repeat(limits.passwordBytes));
      for (const password of ["", "x".repeat(limits.passwordBytes + 1), "é".repeat(limits.passwordBytes), "\ud800"]) {
        await refuses("invalid-argument", hasher.hash(password));
        assert.equal(await hasher.verify(password, hash), false);
      }
    });

    it("refuses more checks than it can hold, and goes on afterwards", async () => {
      const hasher = create();
      const excess = 3;
      const checks = limits.concurrentPasswordChecks + limits.queuedPasswordChecks;
      const cheap = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAA";
      const attempts = Array.from({ length: checks + excess }, () => hasher.verify("secret", cheap));
      assert.equal(await countSuccesses(["unavailable"], attempts), checks);
      const hash = await hasher.hash("secret");
      assert.equal(await hasher.verify("secret", hash), true);
    });
  });
}
