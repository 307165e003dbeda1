import assert from "node:assert/strict";
import { test } from "node:test";
import type { Account } from "../../core/account.ts";
import { evaluateLogin } from "../../core/login.ts";

const now = Date.UTC(2026, 10, 22);
const enabledGroup = { name: "partners", enabled: true, permissions: [] };
const account: Account = {
  name: "acme",
  groups: [enabledGroup],
  passwordHash: undefined,
  publicKeys: [],
  roles: [],
  enabled: true,
  expiresAtMs: undefined,
  sources: undefined,
  home: "acme",
  folders: [],
  permissions: [],
};

function reasonOf(changes: Partial<Account>, peerAddress = "203.0.113.9"): string | undefined {
  const evaluation = evaluateLogin({ ...account, ...changes }, now, peerAddress);
  return evaluation.ok ? undefined : evaluation.reason;
}

test("an enabled account without conditions may log in", () => {
  assert.deepEqual(evaluateLogin(account, now, "203.0.113.9"), { ok: true });
  assert.equal(reasonOf({ groups: [] }), undefined);
});

test("a disabled account, or one disabled group of several, refuses", () => {
  assert.equal(reasonOf({ enabled: false }), "account-disabled");
  const disabled = { ...enabledGroup, name: "old", enabled: false };
  assert.equal(reasonOf({ groups: [enabledGroup, disabled] }), "group-disabled");
  assert.equal(reasonOf({ groups: [disabled] }), "group-disabled");
});

test("an account is refused from the millisecond of its expiry on", () => {
  assert.equal(reasonOf({ expiresAtMs: now + 1 }), undefined);
  assert.equal(reasonOf({ expiresAtMs: now }), "account-expired");
  assert.equal(reasonOf({ expiresAtMs: now - 1 }), "account-expired");
  assert.equal(reasonOf({ expiresAtMs: Number.NaN }), "account-expired");
});

test("a list of sources refuses every address that none of them contains", () => {
  const sources = ["198.51.100.7", "203.0.113.0/24", "2001:db8::/32"];
  for (const address of ["198.51.100.7", "203.0.113.9", "::ffff:203.0.113.9", "2001:db8::1"]) {
    assert.equal(reasonOf({ sources }, address), undefined, address);
  }
  for (const address of ["198.51.100.8", "2001:db9::1", "", "unknown"]) {
    assert.equal(reasonOf({ sources }, address), "source-refused", address);
  }
  assert.equal(reasonOf({ sources: [] }), "source-refused");
});

test("a source that cannot be read lets nobody in", () => {
  assert.throws(() => evaluateLogin({ ...account, sources: ["partner.example"] }, now, "203.0.113.9"), {
    name: "SourceAddressError",
  });
});

test("the first reason in the order of the contract is given", () => {
  const all = { enabled: false, groups: [{ ...enabledGroup, enabled: false }], expiresAtMs: 0, sources: [] };
  assert.equal(reasonOf(all), "account-disabled");
  assert.equal(reasonOf({ ...all, enabled: true }), "group-disabled");
  assert.equal(reasonOf({ ...all, enabled: true, groups: [] }), "account-expired");
  assert.equal(reasonOf({ sources: [] }), "source-refused");
});
