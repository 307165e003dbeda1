import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { AccountingEvent } from "../../core/accounting-event.ts";
import { parseDestinationTemplate, parseNameTemplate } from "../../core/destination-template.ts";
import { type DispatchRule, type DispatchStep, destinationOf, planDispatch } from "../../core/dispatch.ts";
import { feedsItself } from "../../core/dispatch-loop.ts";
import { compileSelection, type WrittenSelection } from "../../core/event-selection.ts";
import { compileExpression } from "../../core/expression.ts";

const upload: AccountingEvent = {
  id: "1",
  type: "transfer.completed",
  time: "2026-11-22T12:00:00.000Z",
  server: "s",
  account: { name: "acme", groups: [] },
  protocol: "sftp",
  message: "",
  data: { path: "/inbox/a.pdf", direction: "upload" },
};
const download: AccountingEvent = { ...upload, data: { ...upload.data, direction: "download" } };

const move: DispatchStep = {
  action: "move",
  to: parseDestinationTemplate("/outbox/", 0),
  account: undefined,
  overwrite: "fail",
};

function rule(name: string, when: WrittenSelection, changes: Partial<DispatchRule> = {}): DispatchRule {
  const selection = compileSelection({ types: ["transfer.completed"], ...when });
  return { name, enabled: true, when: selection, steps: [move], otherwise: [], continues: false, ...changes };
}

function namesFor(event: AccountingEvent, ...rules: DispatchRule[]): string[] {
  return planDispatch(event, rules).map((plan) => plan.rule.name);
}

describe("the plan for an event", () => {
  it("is the first rule that matches", () => {
    const rules = [rule("text", { path: "*.txt" }), rule("pdf", { path: "/inbox/*.pdf" }), rule("all", {})];
    assert.deepEqual(namesFor(upload, ...rules), ["pdf"]);
  });

  it("goes on behind rules that continue, and passes over those out of force", () => {
    const rules = [
      rule("off", {}, { enabled: false }),
      rule("one", {}, { continues: true }),
      rule("other", { accounts: ["globex"] }),
      rule("two", {}),
      rule("three", {}),
    ];
    assert.deepEqual(namesFor(upload, ...rules), ["one", "two"]);
  });

  it("is about downloads only where a rule asks for the direction", () => {
    assert.deepEqual(namesFor(download, rule("all", {})), []);
    assert.deepEqual(namesFor(download, rule("sent", { data: { direction: ["download"] } })), ["sent"]);
    assert.deepEqual(namesFor(upload, rule("sent", { data: { direction: ["download"] } })), []);
  });

  it("never is about interrupted transfers, what rules did, and what is no file of an account", () => {
    const everything = rule("all", { types: ["!server.started"], data: {} });
    assert.deepEqual(namesFor(upload, everything), ["all"]);
    for (const type of ["transfer.aborted", "transfer.started", "dispatch.completed", "file.deleted"] as const) {
      assert.deepEqual(namesFor({ ...upload, type }, everything), [], type);
    }
    const { account, ...anonymous } = upload;
    assert.deepEqual(namesFor(anonymous, everything), []);
    assert.deepEqual(namesFor({ ...upload, data: { direction: "upload" } }, everything), []);
    assert.deepEqual(namesFor({ ...upload, data: { direction: "upload", path: "/a\0" } }, everything), []);
    assert.deepEqual(namesFor({ ...upload, type: "file.renamed", data: { path: "/b" } }, everything), ["all"]);
  });

  it("gives templates the groups of the rule's regular expression", () => {
    const step: DispatchStep = { ...move, to: parseDestinationTemplate("/{account.name}/{2}/{1}/{file.name}", 2) };
    const [plan] = planDispatch(upload, [rule("r", { path: "m/^\\/(\\w+)\\/(?:x|(\\w))\\./" }, { steps: [step] })]);
    assert.ok(plan);
    assert.deepEqual(plan.captures, ["inbox", "a"]);
    assert.equal(destinationOf(step, plan, plan.path), "/acme/a/inbox/a.pdf");
  });

  it("renames a file where it is when the step's turn comes", () => {
    const step: DispatchStep = { action: "rename", name: parseNameTemplate("{file.stem}.done", 0), overwrite: "fail" };
    const [plan] = planDispatch(upload, [rule("r", {}, { steps: [step] })]);
    assert.ok(plan);
    for (const [from, to] of [
      ["/inbox/a.pdf", "/inbox/a.done"],
      ["/a.pdf", "/a.done"],
    ] as const) {
      assert.equal(destinationOf(step, { ...plan, path: from as typeof plan.path }, from as typeof plan.path), to);
    }
  });
});

describe("a rule that would feed the folder it reads", () => {
  const cases: readonly (readonly [path: string, destination: string, feeds: boolean])[] = [
    ["/inbox/*.pdf", "/outbox/", false],
    ["/inbox/*.pdf", "/inbox/", true],
    ["/inbox/*.pdf", "/inbox/sub/", true],
    ["/inbox/*.pdf", "/INBOX/sub/{time:yyyy}/", true],
    ["/inbox/*.pdf", "/inbox/{file.stem}.txt", false],
    ["/inbox/*.pdf", "/inbox/../inbox/{file.name}", true],
    ["/inbox/report-??.csv", "/inbox/", true],
    ["/inbox/[a-f]*.csv", "/inbox/old/", false],
    ["/inbox/[a-f]*.csv", "/inbox/", true],
    ["/a/* | /b/*", "/b/", true],
    ["/inbox/*", "/inbox-done/", false],
    ["m/^\\/inbox\\/[^\\/]+\\.pdf$/i", "/inbox/done/", false],
    ["m/^\\/inbox\\/.+\\.pdf$/i", "/inbox/done/", true],
    ["m/^\\/inbox\\/(\\d+)-(.*)\\.xml$/", "/inbox/{2}/", false],
    ["m/^\\/inbox\\/\\d+\\.xml$/", "/inbox/", true],
    ["! /outbox/*", "/outbox/", false],
    ["*.pdf", "/outbox/", false],
    ["m/\\.pdf$/", "/outbox/", false],
  ];
  for (const [path, destination, feeds] of cases) {
    it(`${path} → ${destination} ${feeds ? "does" : "does not"}`, () => {
      const expression = compileExpression(path);
      const template = parseDestinationTemplate(destination, expression.captureCount);
      assert.equal(feedsItself(expression, template), feeds);
    });
  }
});
