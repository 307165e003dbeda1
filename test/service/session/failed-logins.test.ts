import assert from "node:assert/strict";
import { test } from "node:test";
import { limits } from "../../../core/limits.ts";
import { OwnFailedLogins } from "../../../service/session/failed-logins.ts";
import { describeFailedLogins } from "../../contract/failed-logins.contract.ts";

describeFailedLogins("a process", async () => ({
  logins: new OwnFailedLogins(),
  setTime: () => {},
  dispose: async () => {},
}));

test("a multitude of clients does not fill the memory, and drops the oldest first", async () => {
  const logins = new OwnFailedLogins();
  for (let index = 0; index < limits.failedLogins; index += 1) await logins.add("192.0.2.1", 0);
  for (let index = 0; index < limits.failedLoginAddresses; index += 1) {
    await logins.add(`10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`, 1);
  }
  assert.equal(await logins.waitMs("192.0.2.1", 2), 0);
});
