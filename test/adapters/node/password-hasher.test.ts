import assert from "node:assert/strict";
import { argon2Sync } from "node:crypto";
import { describe, it } from "node:test";
import fc from "fast-check";
import { formatPasswordHash, parsePasswordHash } from "../../../adapters/node/password-hash.ts";
import { createPasswordHasher, isPasswordHash, passwordHashProblem } from "../../../adapters/node/password-hasher.ts";
import { limits } from "../../../core/limits.ts";
import { passwordHasherContract } from "../../contract/password-hasher.contract.ts";

passwordHasherContract("the password hasher on Argon2", createPasswordHasher);

/** Hashes of other programs: the password, and what other implementations of Argon2 publish as its hash. */
const foreign: readonly [string, string][] = [
  ["password", "$argon2i$v=19$m=65536,t=2,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b+dWRWJTmaaJObG"],
  ["password", "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"],
  ["password", "$argon2d$v=19$m=64,t=1,p=1$c29tZXNhbHQ$hydAX9B8MseNZPVH8kFQ0/LnA6ifmBoZ"],
];

describe("a password hash", () => {
  for (const [password, hash] of foreign) {
    it(`of another program is honoured: ${hash.slice(0, 30)}`, async () => {
      assert.equal(passwordHashProblem(hash), undefined);
      assert.equal(await createPasswordHasher().verify(password, hash), true);
      assert.equal(await createPasswordHasher().verify(`${password}!`, hash), false);
    });
  }

  it("of the empty password, made elsewhere, opens no door", async () => {
    const parts = { algorithm: "argon2id", memoryKiB: 8, passes: 1, lanes: 1, salt: Buffer.from("somesalt") } as const;
    const parameters = { message: "", nonce: parts.salt, memory: 8, passes: 1, parallelism: 1, tagLength: 32 };
    const hash = formatPasswordHash({ ...parts, tag: argon2Sync("argon2id", parameters) });
    for (const password of ["", "x".repeat(limits.passwordBytes + 1), "\ud800"]) {
      assert.equal(await createPasswordHasher().verify(password, hash), false);
    }
  });

  it("is made with Argon2id, 19 MiB, two passes, 16 bytes of salt and 32 of tag", async () => {
    const hash = await createPasswordHasher().hash("secret");
    assert.match(hash, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
    assert.ok(isPasswordHash(hash));
  });

  const salt = "c29tZXNhbHQ";
  const tag = "AAAAAAAAAAAAAAAAAAAAAA";
  const refused: Readonly<Record<string, string>> = {
    secret: "looks like",
    "": "looks like",
    [`$argon2id$v=16$m=8,t=1,p=1$${salt}$${tag}`]: "looks like",
    [`$argon2id$m=8,t=1,p=1$${salt}$${tag}`]: "looks like",
    [`$argon2x$v=19$m=8,t=1,p=1$${salt}$${tag}`]: "looks like",
    [`$argon2id$v=19$t=1,m=8,p=1$${salt}$${tag}`]: "looks like",
    [`$argon2id$v=19$m=08,t=1,p=1$${salt}$${tag}`]: "looks like",
    [`$argon2id$v=19$m=8,t=1,p=1$${salt}$${tag}\n`]: "looks like",
    [`$argon2id$v=19$m=8,t=1,p=1$${salt}$${tag}==`]: "looks like",
    [`$argon2id$v=19$m=8,t=1,p=1$c2hvcnQ$${tag}`]: "salt",
    [`$argon2id$v=19$m=8,t=1,p=1$${salt}$AAAA`]: "the hash has to be",
    [`$argon2id$v=19$m=8,t=1,p=1$${salt}$${tag.slice(0, -1)}B`]: "the hash has to be",
    [`$argon2id$v=19$m=7,t=1,p=1$${salt}$${tag}`]: "m has to be at least",
    [`$argon2id$v=19$m=15,t=1,p=2$${salt}$${tag}`]: "m has to be at least",
    [`$argon2id$v=19$m=${limits.passwordHashMemoryKiB + 1},t=1,p=1$${salt}$${tag}`]: "m is over",
    [`$argon2id$v=19$m=65536,t=17,p=1$${salt}$${tag}`]: "too long",
    [`$argon2id$v=19$m=8,t=9999999999,p=1$${salt}$${tag}`]: "too long",
    [`$argon2id$v=19$m=65536,t=1,p=17$${salt}$${tag}`]: "p is over",
    $2b$12$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01234: "looks like",
  };
  for (const [text, reason] of Object.entries(refused)) {
    it(`is refused with a reason: ${JSON.stringify(text)}`, async () => {
      assert.ok(!isPasswordHash(text));
      assert.ok(passwordHashProblem(text)?.includes(reason), passwordHashProblem(text));
      assert.equal(await createPasswordHasher().verify("password", text), false);
    });
  }

  it("is read back as it was written", () => {
    const hash = fc.record({
      algorithm: fc.constantFrom("argon2id" as const, "argon2i" as const, "argon2d" as const),
      memoryKiB: fc.integer({ min: 128, max: limits.passwordHashMemoryKiB }),
      passes: fc.integer({ min: 1, max: 4 }),
      lanes: fc.integer({ min: 1, max: 16 }),
      salt: fc.uint8Array({ minLength: 8, maxLength: 64 }).map((bytes) => Buffer.from(bytes)),
      tag: fc.uint8Array({ minLength: 16, maxLength: 64 }).map((bytes) => Buffer.from(bytes)),
    });
    fc.assert(
      fc.property(hash, (parts) => assert.deepEqual(parsePasswordHash(formatPasswordHash(parts)), { ...parts })),
    );
  });
});

it("a password that was right is known at once for a while, also when many others wait", async () => {
  const hasher = createPasswordHasher();
  const [first, second] = [await hasher.hash("secret"), await hasher.hash("secret")];
  assert.equal(await hasher.verify("secret", first), true);
  const checks = limits.concurrentPasswordChecks + limits.queuedPasswordChecks;
  const waiting = Promise.allSettled(Array.from({ length: checks }, () => hasher.verify("secret", second)));
  assert.equal(await hasher.verify("secret", first), true);
  await assert.rejects(hasher.verify("Secret", first), { code: "unavailable" });
  await assert.rejects(hasher.verify("secret", undefined), { code: "unavailable" });
  for (const result of await waiting) assert.deepEqual(result, { status: "fulfilled", value: true });
  assert.equal(await hasher.verify("Secret", first), false);
});
