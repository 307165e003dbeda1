import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { archives } from "../../../adapters/node/archives.ts";
import { contentConversions } from "../../../adapters/node/content-conversions.ts";
import { DeliveryError } from "../../../core/delivery.ts";
import { parseDestinationTemplate } from "../../../core/destination-template.ts";
import type { DispatchRule, DispatchStep } from "../../../core/dispatch.ts";
import { compileSelection } from "../../../core/event-selection.ts";
import { parseEventTemplate } from "../../../core/event-template.ts";
import { createDispatcher } from "../../../service/dispatch/dispatcher.ts";
import { createMemoryAutomation } from "../../support/memory-automation.ts";
import { createMemoryServices, testAccount } from "../../support/memory-ports.ts";
import { uploadEvent } from "../../support/upload-event.ts";
import { AlertRig } from "../alerts/rig.ts";

const email: DispatchStep = {
  action: "email",
  email: {
    to: ["ops@example.com"],
    cc: [],
    bcc: ["audit@example.com"],
    subject: parseEventTemplate("{data.rule}: {file.name}"),
    readable: false,
  },
};
const webhook: DispatchStep = {
  action: "webhook",
  webhook: { url: "https://hooks.example.com/secret-path", secret: "whsec", allowPrivate: false },
};
const moveTo = (account?: string): DispatchStep => ({
  action: "move",
  to: parseDestinationTemplate("/outbox/", 0),
  account,
  overwrite: "fail",
});

function ruleOf(steps: readonly DispatchStep[], changes: Partial<DispatchRule> = {}): DispatchRule {
  const when = compileSelection({ types: ["transfer.completed"] });
  return { name: "orders", enabled: true, when, steps, otherwise: [], continues: false, ...changes };
}

const upload = uploadEvent("1", "/inbox/a.pdf");

let rig: AlertRig;
beforeEach(() => {
  rig = new AlertRig();
});
afterEach(() => rig[Symbol.dispose]());

/** A dispatcher whose record is the one that alerts are told from. */
async function dispatcherOf(rule: DispatchRule) {
  rig.dispatchRules = [rule];
  const services = { ...createMemoryServices([testAccount()]), accounting: rig.accounting };
  const writer = await services.objects.openWrite("tester/inbox/a.pdf", "upload");
  await writer.write(new TextEncoder().encode("content"));
  await writer.publish({});
  const means = { ...services, ...createMemoryAutomation(), archives, conversions: contentConversions };
  return createDispatcher(means, () => rig.dispatchRules);
}

const handedOver = () => rig.recorded("dispatch.completed").filter(({ data }) => data.step !== undefined);

describe("the steps email and webhook", () => {
  it("tell where the file is by then, with the whole event that set the rule off", async () => {
    const dispatcher = await dispatcherOf(ruleOf([moveTo(), email, webhook]));
    await dispatcher.handle(upload);
    const [mail, request] = handedOver();
    const { handler, stop } = await rig.start();
    for (const event of rig.recorded("dispatch.completed")) {
      assert.equal(handler.selects(event), event.data.step !== undefined);
      await handler.handle(event);
    }
    await rig.until(() => rig.recorded("alert.sent").length === 2);
    await stop();
    assert.equal(rig.emails[0]?.subject, "orders: a.pdf");
    assert.deepEqual(JSON.parse(rig.emails[0]?.text ?? ""), mail);
    assert.deepEqual(JSON.parse(rig.requests[0]?.body ?? ""), request);
    assert.equal(rig.requests[0]?.url, "https://hooks.example.com/secret-path");
    const { path, objectKey, step, event, to } = mail?.data ?? {};
    assert.deepEqual(
      { path, objectKey, step, event, to },
      {
        path: "/outbox/a.pdf",
        objectKey: "tester/outbox/a.pdf",
        step: "do.1",
        event: upload,
        to: ["ops@example.com"],
      },
    );
    assert.equal(request?.data.host, "hooks.example.com");
    assert.doesNotMatch(
      JSON.stringify([mail, request]),
      /audit@|secret-path|whsec/,
      "everybody who is told reads this",
    );
  });

  it("are told once when the event comes again, also to another process", async () => {
    const dispatcher = await dispatcherOf(ruleOf([email]));
    await dispatcher.handle(upload);
    await dispatcher.handle(upload);
    const [event, ...others] = handedOver();
    assert.ok(event);
    assert.deepEqual(others, []);
    for (let life = 0; life < 2; life += 1) {
      const { handler, stop } = await rig.start();
      await handler.handle(event);
      await rig.until(() => rig.recorded("alert.sent").length === 1);
      await stop();
    }
    assert.equal(rig.emails.length, 1);
  });

  it("wait among the dead letters when nobody takes them, and are replayed from there", async () => {
    rig.receive = () => {
      throw new DeliveryError("the webhook answered 410", { retriable: false });
    };
    const dispatcher = await dispatcherOf(ruleOf([webhook]));
    await dispatcher.handle(upload);
    const { handler, outbox, stop } = await rig.start();
    for (const event of handedOver()) await handler.handle(event);
    await rig.until(() => rig.recorded("alert.failed").length === 1);
    while ((await outbox.lanes()).length > 0) await new Promise((resolve) => setImmediate(resolve));
    rig.receive = () => {};
    for (const { event } of rig.letters.values()) await handler.handle(event);
    await rig.until(() => rig.recorded("alert.sent").length === 1);
    await stop();
    assert.equal(rig.requests.length, 1);
    const [failed] = rig.recorded("alert.failed");
    assert.deepEqual([failed?.data.rule, failed?.data.reason], ["orders/do.0", "the webhook answered 410"]);
  });

  it("take along what was not told yet when the rule is disabled or has another step there", async () => {
    for (const rule of [ruleOf([email], { enabled: false }), ruleOf([webhook]), ruleOf([])]) {
      const dispatcher = await dispatcherOf(ruleOf([email]));
      const event = { ...upload, id: `upload-${rule.enabled}-${rule.steps.length}-${rule.steps[0]?.action}` };
      await dispatcher.handle(event);
      rig.dispatchRules = [rule];
      const { handler, outbox, stop } = await rig.start();
      for (const told of handedOver()) await handler.handle(told);
      while ((await outbox.lanes()).length > 0) await new Promise((resolve) => setImmediate(resolve));
      await stop();
    }
    assert.deepEqual([rig.emails, rig.requests], [[], []]);
  });

  it("are told by the fallback of a rule too", async () => {
    const refused = ruleOf([moveTo("nobody")], { otherwise: [email] });
    const dispatcher = await dispatcherOf(refused);
    const error: unknown = await dispatcher.handle(upload).catch((reason: unknown) => reason);
    assert.equal(await dispatcher.givenUp?.({ event: upload, error, attempts: 1 }), true);
    const { handler, stop } = await rig.start();
    for (const event of handedOver()) await handler.handle(event);
    await rig.until(() => rig.emails.length === 1);
    await stop();
    assert.equal(handedOver()[0]?.data.step, "otherwise.0");
  });
});
