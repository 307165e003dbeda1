import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { AccountingEvent } from "../../core/accounting-event.ts";
import { EventTemplateError, parseEventTemplate, renderEventTemplate } from "../../core/event-template.ts";
import { limits } from "../../core/limits.ts";

const event: AccountingEvent = {
  id: "1",
  type: "transfer.completed",
  time: "2026-11-22T12:00:00.000Z",
  server: "gateway-1",
  account: { name: "acme", groups: ["partners", "eu"] },
  protocol: "sftp",
  peer: { address: "203.0.113.9", port: 50_123 },
  message: "done",
  data: { path: "/inbox/a b.pdf", bytes: 12, deep: { er: [1, { x: 2 }] }, none: null },
};

const rendered = (source: string, of: AccountingEvent = event) =>
  renderEventTemplate(parseEventTemplate(source), of, "my-rule");

describe("a template for an event", () => {
  for (const [source, expected] of [
    ["login refused for {account.name}", "login refused for acme"],
    ["{type} {data.path} {data.bytes} {file.name}", "transfer.completed /inbox/a b.pdf 12 a b.pdf"],
    ["{account.groups} {peer.address}:{peer.port} {rule}", "partners, eu 203.0.113.9:50123 my-rule"],
    ["[{data.nothing}{data.none}{session}]", "[]"],
    ["{data.deep.er} {data.deep}", '1, {"x":2} {"er":[1,{"x":2}]}'],
    ["{data.path.length}{data.toString}{data.__proto__}", ""],
    ["{} { account.name } {{type}}", "{} { account.name } {transfer.completed}"],
  ] as const) {
    it(`makes ${JSON.stringify(expected)} of ${source}`, () => assert.equal(rendered(source), expected));
  }

  for (const source of ["{acount.name}", "{account}", "{account.password}", "{data}", "{data.}", "{file.size}"]) {
    it(`refuses ${source}, which no event has`, () => {
      assert.throws(() => parseEventTemplate(source), EventTemplateError);
    });
  }

  it("makes one line of bounded length, whatever the values", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 2000 }), (value) => {
        const line = rendered("{data.path} {account.name}", { ...event, data: { path: value } });
        assert.doesNotMatch(line, /[\p{Cc}\u2028\u2029]/u);
        assert.ok(line.isWellFormed());
        assert.ok([...line].length <= limits.emailHeaderLength);
      }),
    );
  });

  it("does not read placeholders that a value brings along", () => {
    assert.equal(rendered("{data.path}", { ...event, data: { path: "{account.name}" } }), "{account.name}");
  });
});
