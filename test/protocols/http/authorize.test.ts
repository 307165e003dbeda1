import assert from "node:assert/strict";
import { test } from "node:test";
import { startManagedApi } from "./managed-rig.ts";

test("a decision names the rule, where it stands, and the place in the store", async (t) => {
  const { ask } = await startManagedApi(t);
  const { status, body } = await ask("POST", "/v1/authorize", {
    body: { account: "acme", action: "upload", path: "/inbox//./a.pdf" },
  });
  assert.deepEqual(
    [status, body],
    [
      200,
      {
        effect: "allow",
        rule: 'account acme, permissions[0] (ferrygate.yaml:7): ["/inbox/*", allow-write]',
        account: "acme",
        action: "write",
        path: "/inbox/a.pdf",
        objectKey: "acme/inbox/a.pdf",
      },
    ],
  );
});

test("everybody may ask about himself, and about others only with the role admin", async (t) => {
  const { ask, events } = await startManagedApi(t);
  const question = { action: "delete-file", path: "/inbox/a" };
  const own = await ask("POST", "/v1/authorize", { body: question, as: "acme" });
  assert.deepEqual([own.status, own.body.effect, own.body.account], [200, "deny", "acme"]);
  for (const account of ["root", "nobody"]) {
    const other = await ask("POST", "/v1/authorize", { body: { ...question, account }, as: "acme" });
    assert.deepEqual([other.status, other.body.rule], [403, "role admin is required"]);
  }
  assert.deepEqual(
    events.filter(({ type }) => type === "access.denied").map(({ data }) => data.action),
    ["authorize", "authorize"],
  );
});

test("a question that cannot be answered says which part of it", async (t) => {
  const { ask } = await startManagedApi(t);
  const good = { account: "acme", action: "read", path: "/a" };
  const cases: [object, number, string][] = [
    [{ ...good, account: "nobody" }, 404, "account"],
    [{ ...good, action: "destroy" }, 400, "action"],
    [{ ...good, path: `/${"x".repeat(2000)}` }, 400, "path"],
    [{ action: "read" }, 400, "path"],
    [{ ...good, colour: "red" }, 400, "colour"],
  ];
  for (const [body, status, field] of cases) {
    const answer = await ask("POST", "/v1/authorize", { body });
    assert.deepEqual([answer.status, answer.body.field], [status, field]);
  }
});
