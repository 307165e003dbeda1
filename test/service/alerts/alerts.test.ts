import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { DeliveryError } from "../../../core/delivery.ts";
import { FileError } from "../../../core/errors.ts";
import { compileSelection } from "../../../core/event-selection.ts";
import type { AlertOutbox } from "../../../ports/alert-outbox.ts";
import { AlertRig, emailRule, refusedLogin, webhookRule } from "./rig.ts";

const down = () => {
  throw new DeliveryError("the mail server cannot be reached", { retriable: true });
};

async function untilEmpty(outbox: AlertOutbox): Promise<void> {
  while ((await outbox.lanes()).length > 0) await new Promise((resolve) => setImmediate(resolve));
}

let rig: AlertRig;
beforeEach(() => {
  rig = new AlertRig();
  rig.rules = [emailRule()];
});
afterEach(() => rig[Symbol.dispose]());

describe("an e-mail alert", () => {
  it("tells each selected event in one message whose body is the whole event", async () => {
    const { handler, stop } = await rig.start();
    const event = refusedLogin({ data: { username: "acmé", text: 'quotes " and \u202e marks' } });
    assert.equal(handler.selects(event), true);
    await handler.handle(event);
    await rig.until(() => rig.recorded("alert.sent").length === 1);
    await stop();
    const [email, ...others] = rig.emails;
    assert.deepEqual(others, []);
    assert.deepEqual(JSON.parse(email?.text ?? ""), event);
    assert.match(email?.text ?? "", /^[\x20-\x7e\n]*$/);
    assert.equal(email?.subject, "login refused for acme");
    assert.deepEqual(email?.to, ["ops@example.com"]);
    assert.match(email?.messageId ?? "", /^[0-9a-f]{32}@example\.com$/);
    assert.equal(email?.html, undefined);
  });

  it("is on record with the event that it tells, and only then", async () => {
    const { handler, stop } = await rig.start();
    const event = refusedLogin();
    await handler.handle(event);
    await rig.until(() => rig.recorded("alert.sent").length === 1);
    await stop();
    assert.deepEqual(rig.recorded("alert.sent")[0]?.data, {
      rule: "refused-logins",
      target: "email",
      to: ["ops@example.com"],
      eventId: event.id,
      eventType: "authentication.failed",
    });
    assert.equal(rig.recorded("alert.sent")[0]?.account?.name, "acme");
  });

  it("is not for events that no rule selects, nor for rules out of force", async () => {
    const { handler, stop } = await rig.start();
    assert.equal(handler.selects(refusedLogin({ type: "authentication.succeeded" })), false);
    rig.rules = [emailRule({ enabled: false })];
    assert.equal(handler.selects(refusedLogin()), false);
    await stop();
  });

  it("has a readable part where the rule asks for one, in which nothing of the event is markup", async () => {
    const rule = emailRule();
    assert.ok(rule.email);
    rig.rules = [{ ...rule, email: { ...rule.email, readable: true } }];
    const { handler, stop } = await rig.start();
    await handler.handle(refusedLogin({ message: "<script>alert(1)</script>" }));
    await rig.until(() => rig.emails.length === 1);
    await stop();
    assert.match(rig.emails[0]?.html ?? "", /wrong-password/);
    assert.doesNotMatch(rig.emails[0]?.html ?? "", /<script/);
  });

  it("is sent once when the event comes again, also to another process", async () => {
    const event = refusedLogin();
    const first = await rig.start();
    await first.handler.handle(event);
    await rig.until(() => rig.recorded("alert.sent").length === 1);
    await first.handler.handle(event);
    await first.stop();
    const second = await rig.start();
    await second.handler.handle(event);
    await second.handler.handle(refusedLogin());
    await rig.until(() => rig.recorded("alert.sent").length === 2);
    await second.stop();
    assert.equal(rig.emails.length, 2);
  });
});

describe("a mail server that is down", () => {
  it("gets every alert in the end, in order, also from the next process", async () => {
    rig.receive = down;
    const events = [refusedLogin(), refusedLogin(), refusedLogin()];
    const first = await rig.start();
    for (const event of events) await first.handler.handle(event);
    await first.stop();
    assert.deepEqual(rig.emails, []);
    let refusals = 0;
    rig.receive = () => {
      refusals += 1;
      if (refusals < 5) down();
    };
    const second = await rig.start();
    await rig.until(() => rig.recorded("alert.sent").length === 3);
    await second.stop();
    assert.deepEqual(
      rig.emails.map(({ text }) => JSON.parse(text).id),
      events.map(({ id }) => id),
    );
    assert.deepEqual(rig.recorded("alert.failed"), []);
  });

  it("does not hold up the alerts of other rules and receivers", async () => {
    rig.rules = [emailRule(), webhookRule()];
    rig.receive = (message) => {
      if ("subject" in message) down();
    };
    const { handler, stop } = await rig.start();
    await handler.handle(refusedLogin());
    await rig.until(() => rig.requests.length === 1);
    await stop();
    assert.deepEqual(rig.emails, []);
  });

  it("is given up after the time for a delivery, and the event waits among the dead letters", async () => {
    rig.receive = down;
    const { handler, outbox, stop } = await rig.start({ deliveryMs: 60_000 });
    const event = refusedLogin();
    await handler.handle(event);
    rig.nowMs += 60_000;
    await rig.until(() => rig.recorded("alert.failed").length === 1);
    assert.equal(rig.recorded("alert.failed")[0]?.data.reason, "the mail server cannot be reached");
    assert.deepEqual(rig.letters.get(`alerts.${event.id}`)?.event, event);
    rig.receive = () => {};
    await untilEmpty(outbox);
    await handler.handle(event);
    await rig.until(() => rig.recorded("alert.sent").length === 1);
    await stop();
  });
});

describe("an alert that cannot succeed", () => {
  it("fails at once and lets the next one pass", async () => {
    rig.receive = (message) => {
      if ("subject" in message && message.subject.endsWith("nobody")) {
        throw new DeliveryError("the mail server refused the message", { retriable: false });
      }
    };
    const { handler, stop } = await rig.start();
    await handler.handle(refusedLogin({ account: { name: "nobody", groups: [] } }));
    await handler.handle(refusedLogin());
    await rig.until(() => rig.recorded("alert.sent").length === 1);
    await stop();
    assert.equal(rig.recorded("alert.failed").length, 1);
    assert.equal(rig.letters.size, 1);
  });

  it("is sent once though it cannot be put on record at first", async () => {
    let refusals = 3;
    const append = async (event: Parameters<typeof rig.accounting.append>[0]) => {
      refusals -= 1;
      if (refusals >= 0) throw new FileError("unavailable", "the accounting log cannot be used at the moment");
      await rig.accounting.append(event);
    };
    const { handler, outbox, stop } = await rig.start({}, { accounting: { append } });
    await handler.handle(refusedLogin());
    await untilEmpty(outbox);
    await stop();
    assert.equal(rig.emails.length, 1);
    assert.equal(rig.recorded("alert.sent").length, 1);
  });
});

describe("many events", () => {
  it("are told by a few messages and one digest that counts them all", async () => {
    const { handler, outbox, stop } = await rig.start({ emails: 3, periodMs: 40 });
    const events = Array.from({ length: 250 }, () => refusedLogin());
    for (const event of events) await handler.handle(event);
    await rig.until(() => rig.emails.length === 3);
    assert.deepEqual(await outbox.lanes(), [{ rule: "refused-logins", target: "email" }]);
    rig.nowMs += 40;
    await rig.until(() => rig.recorded("alert.sent").length === 4);
    await stop();
    const digest = JSON.parse(rig.emails[3]?.text ?? "");
    assert.equal(rig.emails.length, 4);
    assert.equal(rig.emails[3]?.subject, "login refused for acme (and 246 more)");
    assert.deepEqual(Object.keys(digest), ["rule", "since", "until", "count", "events"]);
    assert.deepEqual(
      [digest.rule, digest.since, digest.until, digest.count],
      ["refused-logins", events[3]?.time, events[249]?.time, 247],
    );
    assert.deepEqual(digest.events, events.slice(3, 103));
    assert.equal(rig.recorded("alert.sent")[3]?.data.count, 247);
  });

  it("make a digest of bounded size", async () => {
    const { handler, stop } = await rig.start({ emails: 1, periodMs: 40 });
    for (let made = 0; made < 21; made += 1) {
      await handler.handle(refusedLogin({ data: { text: "x".repeat(60_000) } }));
    }
    await rig.until(() => rig.emails.length === 1);
    rig.nowMs += 40;
    await rig.until(() => rig.emails.length === 2);
    await stop();
    const digest = JSON.parse(rig.emails[1]?.text ?? "");
    assert.equal(digest.count, 20);
    assert.equal(digest.events.length, 4);
  });

  it("reach a webhook one by one, in order", async () => {
    rig.rules = [webhookRule()];
    const { handler, stop } = await rig.start({ emails: 1 });
    const events = Array.from({ length: 30 }, () => refusedLogin());
    for (const event of events) await handler.handle(event);
    await rig.until(() => rig.recorded("alert.sent").length === 30);
    await stop();
    assert.deepEqual(
      rig.requests.map(({ id, body }) => [id, JSON.parse(body)]),
      events.map((event) => [event.id, event]),
    );
    assert.deepEqual(rig.recorded("alert.sent")[0]?.data.host, "hooks.example.com");
    assert.doesNotMatch(JSON.stringify(rig.accounting.events), /secret-path/);
  });
});

describe("alerts about alerts", () => {
  it("are told by other rules, and no further", async () => {
    const when = compileSelection({ types: ["alert.failed", "alert.sent"] });
    rig.rules = [emailRule(), emailRule({ name: "failures", when }), emailRule({ name: "more", when })];
    rig.receive = () => {
      throw new DeliveryError("the mail server refused the message", { retriable: false });
    };
    const { handler, stop } = await rig.start();
    await handler.handle(refusedLogin());
    await rig.until(() => rig.recorded("alert.failed").length === 1);
    const [failed] = rig.recorded("alert.failed");
    assert.ok(failed);
    assert.equal(handler.selects(failed), true);
    await handler.handle(failed);
    await rig.until(() => rig.recorded("alert.failed").length === 3);
    for (const second of rig.recorded("alert.failed").slice(1)) assert.equal(handler.selects(second), false);
    await stop();
  });
});

describe("a rule that is taken away", () => {
  it("takes along what it has not told", async () => {
    rig.receive = down;
    const first = await rig.start();
    await first.handler.handle(refusedLogin());
    await first.stop();
    rig.rules = [];
    const second = await rig.start();
    await untilEmpty(second.outbox);
    await second.stop();
    assert.deepEqual(rig.emails, []);
  });
});
