import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { apiTokenMint } from "../../../adapters/node/api-token-mint.ts";

test("a token has a prefix, 256 random bits and a checksum, and its SHA-256 is what is kept", () => {
  const made = Array.from({ length: 100 }, () => apiTokenMint.create());
  for (const { token, digest } of made) {
    assert.match(token, /^fgt_[0-9a-f]{72}$/);
    assert.equal(digest, createHash("sha256").update(token).digest("hex"));
    assert.equal(apiTokenMint.digestOf(token), digest);
  }
  assert.equal(new Set(made.map(({ token }) => token)).size, made.length);
});

test("the checksum is the CRC-32 that anybody can compute", () => {
  const zeros = `fgt_${"0".repeat(64)}`;
  assert.notEqual(apiTokenMint.digestOf(`${zeros}f3f9e706`), undefined);
});

test("a token with one character changed has not the form of one", () => {
  const { token } = apiTokenMint.create();
  const changedAt = fc.integer({ min: 0, max: token.length - 1 });
  fc.assert(
    fc.property(changedAt, fc.constantFrom(..."0123456789abcdefA_ "), (index, character) => {
      const changed = token.slice(0, index) + character + token.slice(index + 1);
      assert.equal(apiTokenMint.digestOf(changed) === undefined, changed !== token);
    }),
  );
  for (const other of ["", "fgt_", token.slice(1), `${token}0`, ` ${token}`, `${token}\n`, token.toUpperCase()]) {
    assert.equal(apiTokenMint.digestOf(other), undefined);
  }
});
