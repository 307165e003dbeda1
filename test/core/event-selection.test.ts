import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { AccountingEvent } from "../../core/accounting-event.ts";
import { compileSelection, selects, type WrittenSelection } from "../../core/event-selection.ts";
import { ExpressionError } from "../../core/expression.ts";
import { SourceAddressError } from "../../core/source-address.ts";

const event: AccountingEvent = {
  id: "1",
  type: "transfer.completed",
  time: "2026-11-22T12:00:00.000Z",
  server: "s",
  account: { name: "acme", groups: ["partners", "europe"] },
  protocol: "sftp",
  peer: { address: "203.0.113.9", port: 1 },
  message: "",
  data: { path: "/inbox/a.pdf", direction: "upload", bytes: 12, recovered: true, entries: ["x"] },
};
const bare: AccountingEvent = { ...event, type: "server.started", protocol: "system", data: {} };
const { account, peer, ...anonymous } = bare;

const cases: readonly (readonly [WrittenSelection, AccountingEvent, boolean])[] = [
  [{}, event, true],
  [{ types: ["transfer.completed"] }, event, true],
  [{ types: ["file.renamed", "transfer.completed"] }, event, true],
  [{ types: ["file.renamed"] }, event, false],
  [{ types: ["!file.renamed"] }, event, true],
  [{ types: ["transfer.completed", "!transfer.completed"] }, event, false],
  [{ accounts: ["acme"] }, event, true],
  [{ accounts: ["Acme"] }, event, false],
  [{ accounts: ["!acme"] }, event, false],
  [{ accounts: ["!globex"] }, event, true],
  [{ accounts: ["!globex"] }, anonymous, true],
  [{ accounts: ["acme"] }, anonymous, false],
  [{ groups: ["europe"] }, event, true],
  [{ groups: ["partners", "!europe"] }, event, false],
  [{ groups: ["asia"] }, event, false],
  [{ protocols: ["https", "sftp"] }, event, true],
  [{ protocols: ["!system"] }, bare, false],
  [{ peers: ["203.0.113.0/24"] }, event, true],
  [{ peers: ["203.0.113.0/24", "!203.0.113.9"] }, event, false],
  [{ peers: ["!10.0.0.0/8"] }, event, true],
  [{ peers: ["!10.0.0.0/8"] }, anonymous, false],
  [{ peers: ["2001:db8::/32"] }, event, false],
  [{ path: "/inbox/*.PDF" }, event, true],
  [{ path: "! *.tmp" }, event, true],
  [{ path: "! *.tmp" }, bare, false],
  [{ path: "m/^\\/inbox\\//" }, event, true],
  [{ data: { direction: ["upload"] } }, event, true],
  [{ data: { direction: ["!upload"] } }, event, false],
  [{ data: { direction: ["download"], bytes: ["12"] } }, event, false],
  [{ data: { bytes: ["1?"], recovered: ["true"] } }, event, true],
  [{ data: { bytes: ["m/^\\d{2}$/"] } }, event, true],
  [{ data: { nothing: ["*"] } }, event, false],
  [{ data: { nothing: ["!x"] } }, event, false],
  [{ data: { entries: ["*"] } }, event, false],
  [{ data: { toString: ["*"] } }, event, false],
  [{ accounts: ["acme"], protocols: ["ftps"] }, event, false],
];

describe("a selection of events", () => {
  for (const [written, about, expected] of cases) {
    const subject = about === event ? "the upload" : about === bare ? "a bare event" : "an anonymous event";
    it(`${JSON.stringify(written)} ${expected ? "takes" : "passes over"} ${subject}`, () => {
      assert.equal(selects(compileSelection(written), about), expected);
    });
  }

  it("says what it cannot read", () => {
    assert.throws(() => compileSelection({ path: "m/(/" }), ExpressionError);
    assert.throws(() => compileSelection({ data: { a: ["m/(/"] } }), ExpressionError);
    assert.throws(() => compileSelection({ peers: ["!nowhere"] }), SourceAddressError);
  });

  it("excludes exactly what the same list without ! takes", () => {
    const names = fc.array(fc.constantFrom("acme", "globex", "initech"), { minLength: 1 });
    fc.assert(
      fc.property(names, (accounts) => {
        const excluded = compileSelection({ accounts: accounts.map((name) => `!${name}`) });
        assert.equal(selects(excluded, event), !selects(compileSelection({ accounts }), event));
      }),
    );
  });
});
