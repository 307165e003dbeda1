import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Account } from "../../../core/account.ts";
import type { AccountingEvent } from "../../../core/accounting-event.ts";
import { alertLanes } from "../../../core/alert-rule.ts";
import { compileSelection } from "../../../core/event-selection.ts";
import { weekdays } from "../../../core/expectation.ts";
import { compileExpression } from "../../../core/expression.ts";
import { type ServerCertificate, Watches } from "../../../service/alerts/watches.ts";
import { createMemoryAccountingLog, createMemoryRuntime, testAccount } from "../../support/memory-ports.ts";
import { emailRule } from "./rig.ts";

const expectation = {
  account: "acme",
  path: compileExpression("/inbox/orders-*.csv"),
  byMinute: 6 * 60,
  timeZone: "UTC",
  days: [...weekdays],
};
const rule = emailRule({
  name: "orders",
  when: compileSelection({ types: ["file.missing"], data: { rule: ["orders"] } }),
  expect: expectation,
});

interface RigParts {
  readonly accounts?: Account[];
  readonly certificates?: ServerCertificate[];
  readonly rules?: [typeof rule];
  readonly recordLateMs?: number;
}

function rig(parts: RigParts = {}) {
  const state = { now: "2026-11-22T06:00:30Z" };
  const accounting = createMemoryAccountingLog();
  const process = () =>
    new Watches({
      rules: () => parts.rules ?? [],
      accounts: () => parts.accounts ?? [],
      certificates: () => parts.certificates ?? [],
      accounting,
      runtime: { ...createMemoryRuntime(), now: () => Date.parse(state.now) },
      serverName: "gateway-1",
      recordLateMs: parts.recordLateMs,
    });
  const begin = () => accounting.append(event("server.started", "2026-11-20T00:00:00.000Z", {}));
  const told = () => accounting.events.filter(({ server }) => server === "gateway-1");
  return { state, accounting, process, watches: process(), begin, told };
}

function event(type: AccountingEvent["type"], time: string, data: Readonly<Record<string, unknown>>, name = "acme") {
  const account = { name, groups: [] };
  return { id: `${type} ${time}`, type, time, server: "other", protocol: "sftp", message: "", account, data } as const;
}

function change(time: string, data: Readonly<Record<string, unknown>>) {
  return event("configuration.changed", time, { kind: "alert-rule", name: "orders", ...data });
}

const upload = (time: string, path = "/inbox/orders-1.csv", name = "acme") =>
  event("transfer.completed", time, { path, direction: "upload" }, name);

describe("a file that is due", () => {
  it("is told to be missing once, in an event that its rule selects", async () => {
    const { watches, process, begin, told, state } = rig({ rules: [rule] });
    await begin();
    await watches.check();
    await watches.check();
    await process().check();
    const [missing, ...others] = told();
    assert.deepEqual(others, []);
    assert.equal(missing?.type, "file.missing");
    assert.equal(missing?.account?.name, "acme");
    assert.deepEqual(missing?.data, {
      rule: "orders",
      expected: "/inbox/orders-*.csv",
      since: "2026-11-21T06:00:00.000Z",
      until: "2026-11-22T06:00:00.000Z",
    });
    assert.ok(missing);
    assert.deepEqual(alertLanes([rule], missing), [{ rule: "orders", target: "email" }]);
    assert.deepEqual(alertLanes([{ ...rule, name: "others", when: emailRule().when }], missing), []);
    state.now = "2026-11-23T06:00:30Z";
    await watches.check();
    assert.equal(told().length, 2);
  });

  it("is not missed before the record can show one that came just in time", async () => {
    const { accounting, watches, told, state } = rig({ rules: [rule], recordLateMs: 120_000 });
    await accounting.append(upload("2026-11-20T12:00:00.000Z"));
    await watches.check();
    await accounting.append(upload("2026-11-22T05:59:59.000Z"));
    state.now = "2026-11-22T06:02:00Z";
    await watches.check();
    assert.deepEqual(told(), []);
    state.now = "2026-11-23T06:02:00Z";
    await watches.check();
    assert.equal(told().length, 1);
  });

  for (const [title, came] of [
    ["was uploaded", upload("2026-11-22T05:59:59.999Z")],
    ["was uploaded right after the last deadline", upload("2026-11-21T06:00:00.000Z")],
    [
      "was given its name",
      event("file.renamed", "2026-11-22T01:00:00.000Z", { path: "/inbox/orders-2.csv", from: "/inbox/x.tmp" }),
    ],
  ] as const) {
    it(`is not missing when it ${title}`, async () => {
      const { watches, accounting, told } = rig({ rules: [rule] });
      await accounting.append(came);
      await watches.check();
      assert.deepEqual(told(), []);
    });
  }

  for (const [title, came] of [
    ["came too late", upload("2026-11-22T06:00:00.000Z")],
    ["came before", upload("2026-11-21T05:59:59.999Z")],
    ["has another name", upload("2026-11-22T05:00:00.000Z", "/inbox/invoice.csv")],
    ["came from another account", upload("2026-11-22T05:00:00.000Z", "/inbox/orders-1.csv", "other")],
    [
      "was only downloaded",
      event("transfer.completed", "2026-11-22T05:00:00.000Z", { path: "/inbox/orders-1.csv", direction: "download" }),
    ],
  ] as const) {
    it(`is missing when what came ${title}`, async () => {
      const { watches, accounting, begin, told } = rig({ rules: [rule] });
      await begin();
      await accounting.append(came);
      await watches.check();
      assert.equal(told()[0]?.type, "file.missing");
    });
  }

  it("is missing when what came was put away, until it is released", async () => {
    const data = { path: "/inbox/orders-1.csv", direction: "upload", transferId: "t" };
    const came = event("transfer.completed", "2026-11-22T05:00:00.000Z", data);
    const infected = { ...event("scan.infected", "2026-11-22T05:00:09.000Z", data), id: "t.scan.infected" };
    for (const [isReleased, count] of [
      [false, 1],
      [true, 0],
    ] as const) {
      const { watches, accounting, begin, told } = rig({ rules: [rule] });
      await begin();
      for (const one of [came, infected]) await accounting.append(one);
      if (isReleased) await accounting.append(event("scan.released", "2026-11-22T05:30:00.000Z", data));
      await watches.check();
      assert.equal(told().length, count);
    }
  });

  for (const [title, changes, count] of [
    ["was made", [change("2026-11-22T06:00:10.000Z", { operation: "created", fields: ["enabled", "expect"] })], 0],
    ["got another deadline", [change("2026-11-22T06:00:10.000Z", { fields: ["expect.by"] })], 0],
    ["got another subject", [change("2026-11-22T06:00:10.000Z", { fields: ["email.subject"] })], 1],
    ["was made the day before", [change("2026-11-21T12:00:00.000Z", { fields: ["expect"] })], 1],
  ] as const) {
    it(`is told ${count} times of the deadline before when the rule ${title}`, async () => {
      const { watches, accounting, begin, told } = rig({ rules: [rule] });
      await begin();
      for (const changed of changes) await accounting.append(changed);
      await watches.check();
      assert.equal(told().length, count);
    });
  }

  it("is not told of a deadline before the record begins", async () => {
    const { watches, accounting, told, state } = rig({ rules: [rule] });
    await accounting.append(event("server.started", "2026-11-22T06:00:10.000Z", {}));
    await watches.check();
    assert.deepEqual(told(), []);
    state.now = "2026-11-23T06:00:30Z";
    await watches.check();
    assert.equal(told().length, 1);
  });

  it("is nobody's business when its rule is out of force", async () => {
    const { watches, told } = rig({ rules: [{ ...rule, enabled: false }] });
    await watches.check();
    assert.deepEqual(told(), []);
  });

  it("is found among more events than a page has", async () => {
    const { watches, accounting, told } = rig({ rules: [rule] });
    for (let index = 0; index < 1500; index += 1) {
      const other = upload("2026-11-21T12:00:00.000Z", `/inbox/${index}.txt`);
      await accounting.append({ ...other, id: `${index}` });
    }
    await accounting.append(upload("2026-11-22T05:00:00.000Z"));
    await watches.check();
    assert.deepEqual(told(), []);
  });
});

describe("what is about to expire", () => {
  it("is told 14 days, 7 days and a day before, once each, and not afterwards", async () => {
    const account = testAccount({ name: "acme", expiresAtMs: Date.parse("2026-12-31T00:00:00Z") });
    const certificate = { use: "ftps", subject: "CN=gateway", expiresAtMs: Date.parse("2026-12-31T00:00:00Z") };
    const { state, watches, told } = rig({ accounts: [account], certificates: [certificate] });
    for (const [now, count] of [
      ["2026-12-16T23:59:59Z", 0],
      ["2026-12-17T00:00:00Z", 2],
      ["2026-12-23T00:00:00Z", 2],
      ["2026-12-24T00:00:00Z", 4],
      ["2026-12-30T00:00:00Z", 6],
      ["2026-12-31T00:00:00Z", 6],
    ] as const) {
      state.now = now;
      await watches.check();
      assert.equal(told().length, count, now);
    }
    assert.deepEqual(
      told().map(({ type, data }) => [type, data.days]),
      [14, 7, 1].flatMap((days) => [
        ["account.expiring", days],
        ["certificate.expiring", days],
      ]),
    );
    assert.equal(told()[0]?.account?.name, "acme");
  });

  it("is not told of a disabled account, nor of one without an end", async () => {
    const expiresAtMs = Date.parse("2026-11-23T00:00:00Z");
    const { watches, told } = rig({ accounts: [testAccount({ enabled: false, expiresAtMs }), testAccount()] });
    await watches.check();
    assert.deepEqual(told(), []);
  });
});
