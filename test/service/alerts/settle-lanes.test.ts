import assert from "node:assert/strict";
import { test } from "node:test";
import type { AlertLane } from "../../../core/alert-rule.ts";
import { DeliveryError } from "../../../core/delivery.ts";
import { createAlertHandler } from "../../../service/alerts/alert-handler.ts";
import { settleLanes } from "../../../service/alerts/settle-lanes.ts";
import { createMemoryAutomation } from "../../support/memory-automation.ts";
import { AlertRig, emailRule, refusedLogin, webhookRule } from "./rig.ts";

const minute = 60_000;

/** Every call of `tell` and `settle` stands for a function that is started, does its work and ends. */
async function startRig(rig: AlertRig) {
  const claims = createMemoryAutomation().claims;
  const services = async () => ({
    ...(await rig.open({ emails: 2, periodMs: 10 * minute, firstRetryMs: 2 * minute, longestRetryMs: 4 * minute })),
    claims,
  });
  const settle = async () => {
    const parts = await services();
    await settleLanes(parts, await parts.outbox.lanes(), rig.nowMs + minute);
    await parts.outbox.close();
  };
  const tell = async (count: number) => {
    const parts = await services();
    const lanes: AlertLane[] = [];
    const handler = createAlertHandler(parts, { wake: (lane) => lanes.push(lane) });
    for (let index = 0; index < count; index += 1) await handler.handle(refusedLogin());
    await settleLanes(parts, lanes, rig.nowMs + minute);
    await parts.outbox.close();
  };
  return { claims, services, tell, settle };
}

test("alerts go out at once, and what is over the measure in a digest when its time has come", async () => {
  using rig = new AlertRig();
  rig.rules = [emailRule()];
  const { tell, settle } = await startRig(rig);
  await tell(1);
  assert.equal(rig.emails.length, 1);
  await tell(4);
  assert.equal(rig.emails.length, 2);
  rig.nowMs += 5 * minute;
  await settle();
  assert.equal(rig.emails.length, 2, "the rule has used up its e-mails");
  rig.nowMs += 6 * minute;
  await settle();
  assert.equal(rig.emails.length, 3);
  assert.match(rig.emails.at(-1)?.subject ?? "", /and 2 more/);
  assert.equal(rig.recorded("alert.sent").length, 3);
  rig.nowMs += 20 * minute;
  await settle();
  assert.equal(rig.emails.length, 3);
});

test("a message that fails is repeated by a later call, and no earlier than its pause ends", async () => {
  using rig = new AlertRig();
  rig.rules = [webhookRule()];
  const { tell, settle } = await startRig(rig);
  let tries = 0;
  rig.receive = () => {
    tries += 1;
    if (tries < 3) throw new DeliveryError("down", { retriable: true });
  };
  await tell(1);
  await settle();
  assert.equal(tries, 1);
  for (const expected of [2, 3, 3]) {
    rig.nowMs += 4 * minute;
    await settle();
    assert.equal(tries, expected);
  }
  assert.deepEqual([rig.requests.length, rig.recorded("alert.sent").length], [1, 1]);
});

test("what has left is not sent again when only its record is missing", async () => {
  using rig = new AlertRig();
  rig.rules = [webhookRule()];
  const { services, settle, tell } = await startRig(rig);
  const append = rig.accounting.append;
  rig.accounting.append = async () => Promise.reject(new Error("the bus is down"));
  await tell(1);
  assert.equal(rig.requests.length, 1);
  rig.accounting.append = append;
  rig.nowMs += 5 * minute;
  await settle();
  assert.deepEqual([rig.requests.length, rig.recorded("alert.sent").length], [1, 1]);
  const { outbox } = await services();
  assert.deepEqual(await outbox.lanes(), []);
  await outbox.close();
});

test("a lane in which another is at work is left to him, and the others go on", async () => {
  using rig = new AlertRig();
  rig.rules = [webhookRule({ name: "busy" }), webhookRule({ name: "free" })];
  const { claims, tell, settle } = await startRig(rig);
  await claims.claim({ id: "alert-lane/webhook/busy", owner: "other", leaseMs: minute });
  await tell(1);
  assert.equal(rig.requests.length, 1);
  await claims.release("alert-lane/webhook/busy", "other");
  await settle();
  assert.equal(rig.requests.length, 2);
});

test("no message is begun when the time of the call is over", async () => {
  using rig = new AlertRig();
  rig.rules = [webhookRule()];
  const { services, settle, tell } = await startRig(rig);
  rig.receive = () => {
    rig.nowMs += minute;
  };
  await tell(2);
  assert.equal(rig.requests.length, 1);
  const parts = await services();
  await settleLanes(parts, await parts.outbox.lanes(), rig.nowMs - 1);
  await parts.outbox.close();
  assert.equal(rig.requests.length, 1);
  await settle();
  assert.equal(rig.requests.length, 2);
});
