import assert from "node:assert/strict";
import { test } from "node:test";
import { limits } from "../../../core/limits.ts";
import { FailedLogins } from "../../../service/session/failed-logins.ts";

function failed(address: string, count: number, nowMs: number): FailedLogins {
  const logins = new FailedLogins();
  for (let index = 0; index < count; index += 1) logins.add(address, nowMs);
  return logins;
}

test("a client waits for the rest of the time in which it failed too often, and then begins anew", () => {
  const logins = failed("192.0.2.1", limits.failedLogins, 1000);
  assert.equal(logins.waitMs("192.0.2.1", 1000), limits.failedLoginsMs);
  assert.equal(logins.waitMs("192.0.2.1", 999 + limits.failedLoginsMs), 1);
  assert.equal(logins.waitMs("192.0.2.1", 1000 + limits.failedLoginsMs), 0);
  logins.add("192.0.2.1", 1000 + limits.failedLoginsMs);
  assert.equal(logins.waitMs("192.0.2.1", 1000 + limits.failedLoginsMs), 0);
});

test("fewer failures, and those of others, make nobody wait", () => {
  assert.equal(failed("192.0.2.1", limits.failedLogins - 1, 0).waitMs("192.0.2.1", 1), 0);
  assert.equal(failed("192.0.2.1", limits.failedLogins, 0).waitMs("192.0.2.2", 1), 0);
});

test("the addresses of one IPv6 network count as one", () => {
  const logins = new FailedLogins();
  for (let index = 1; index <= limits.failedLogins; index += 1) logins.add(`2001:db8::${index.toString(16)}`, 0);
  assert.ok(logins.waitMs("2001:db8::ffff:1", 1) > 0);
  assert.equal(logins.waitMs("2001:db8:0:1::1", 1), 0);
});

test("a multitude of clients does not fill the memory, and drops the oldest first", () => {
  const logins = failed("192.0.2.1", limits.failedLogins, 0);
  for (let index = 0; index < limits.failedLoginAddresses; index += 1) {
    logins.add(`10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`, 1);
  }
  assert.equal(logins.waitMs("192.0.2.1", 2), 0);
});
