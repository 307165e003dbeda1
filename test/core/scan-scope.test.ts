import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { AccountingEvent } from "../../core/accounting-event.ts";
import { type DispatchRule, planDispatch } from "../../core/dispatch.ts";
import { compileSelection } from "../../core/event-selection.ts";
import { compileExpression } from "../../core/expression.ts";
import { everywhere, requiresScan } from "../../core/scan-scope.ts";
import { parseVirtualPath } from "../../core/virtual-path.ts";

describe("what has to be scanned", () => {
  const inbox = [compileExpression("/inbox/*")];
  const path = parseVirtualPath("/inbox/a.pdf");

  it("is what one of the scopes demands", () => {
    assert.equal(requiresScan([undefined, undefined], path), false);
    assert.equal(requiresScan([undefined, inbox], path), true);
    assert.equal(requiresScan([[compileExpression("/other/*")], inbox], path), true);
    assert.equal(requiresScan([inbox], parseVirtualPath("/outbox/a.pdf")), false);
  });

  it("is everything where it says so", () => {
    for (const name of ["/", "/a", "/a/b c", "/\u{1f600}"]) {
      assert.equal(requiresScan([everywhere], parseVirtualPath(name)), true, name);
    }
  });
});

describe("the plan for an upload that is scanned", () => {
  const rule = (types: readonly string[], more = {}): DispatchRule => ({
    name: types.join(),
    enabled: true,
    when: compileSelection({ types, path: "/inbox/*", ...more }),
    steps: [{ action: "delete" }],
    otherwise: [],
    continues: true,
  });
  const event = (type: AccountingEvent["type"], data = {}): AccountingEvent => ({
    id: "1",
    type,
    time: "2026-11-22T14:13:00.123Z",
    server: "test",
    account: { name: "acme", groups: [] },
    protocol: "sftp",
    message: "",
    data: { path: "/inbox/a.pdf", direction: "upload", ...data },
  });
  const plans = (one: AccountingEvent, rules: readonly DispatchRule[]) =>
    planDispatch(one, rules).map((plan) => plan.rule.name);

  it("is none while it is held", () => {
    assert.deepEqual(plans(event("transfer.completed", { quarantined: true }), [rule(["transfer.completed"])]), []);
  });

  it("comes with its release, for rules about uploads and for rules about the release", () => {
    const rules = [rule(["transfer.completed"]), rule(["scan.clean"]), rule(["scan.released"]), rule(["file.renamed"])];
    assert.deepEqual(plans(event("scan.clean"), rules), ["transfer.completed", "scan.clean"]);
    assert.deepEqual(plans(event("scan.released"), rules), ["transfer.completed", "scan.released"]);
    assert.deepEqual(plans(event("scan.infected"), rules), []);
    assert.deepEqual(plans(event("scan.failed"), rules), []);
  });

  it("comes once for a rule about both, and only where all else holds", () => {
    assert.deepEqual(plans(event("scan.clean"), [rule(["transfer.completed", "scan.clean"])]).length, 1);
    assert.deepEqual(plans(event("scan.clean"), [rule(["transfer.completed"], { protocols: ["https"] })]), []);
  });
});
