import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  canonicalJson,
  entryChanges,
  entryReferences,
  fieldName,
  type JsonObject,
  redacted,
  sameJson,
  withKeptSecrets,
} from "../../core/configuration-entry.ts";

const json = fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<JsonObject>;
const entry = fc.dictionary(fc.constantFrom("a", "b", "c", "groups"), json, { maxKeys: 4 });

test("what is the same has no changes, and what differs has some", () => {
  fc.assert(
    fc.property(entry, entry, (before, after) => {
      assert.equal(entryChanges("group", before, after).length === 0, sameJson(before, after));
      assert.deepEqual(entryChanges("group", before, structuredClone(before)), []);
    }),
  );
});

test("the order of names does not make a difference, that of a list does", () => {
  assert.equal(canonicalJson({ b: 1, a: { d: 1, c: 2 } }), '{"a":{"c":2,"d":1},"b":1}');
  assert.ok(sameJson({ a: 1, b: 2 }, { b: 2, a: 1 }));
  assert.ok(!sameJson([1, 2], [2, 1]));
});

test("changes are told field by field: into mappings and lists of lists, plain lists as a whole", () => {
  const before = { name: "a", enabled: true, sources: ["x"], permissions: [["allow-list"], ["/a", "allow-read"]] };
  const after = { name: "a", home: "b", enabled: true, sources: ["x", "y"], permissions: [["allow-list"]] };
  assert.deepEqual(entryChanges("account", before, after), [
    { field: "sources", before: ["x"], after: ["x", "y"] },
    { field: "permissions[1]", before: ["/a", "allow-read"] },
    { field: "home", after: "b" },
  ]);
  const rule = { when: { path: "/a" }, do: [{ move: "/b" }] };
  assert.deepEqual(entryChanges("dispatch-rule", rule, { when: {}, do: [{ copy: "/b" }] }), [
    { field: "when.path", before: "/a" },
    { field: "do[0].move", before: "/b" },
    { field: "do[0].copy", after: "/b" },
  ]);
  assert.deepEqual(entryChanges("group", undefined, { name: "a" }), [{ field: "name", after: "a" }]);
});

test("a secret is never shown, and neither is the difference between two", () => {
  const [before, after] = [{ password: "$argon2id$one" }, { password: "$argon2id$two" }];
  assert.deepEqual(redacted("account", before), { password: { set: true } });
  assert.deepEqual(redacted("account", { name: "a" }), { name: "a" });
  const mark = { set: true };
  assert.deepEqual(entryChanges("account", before, after), [{ field: "password", before: mark, after: mark }]);
  assert.deepEqual(entryChanges("account", before, {}), [{ field: "password", before: mark }]);
});

test("the secrets of the webhooks in a rule's steps are not shown, wherever the list differs", () => {
  const ping = (secret: JsonObject | string, url = "https://a.example/") => ({ webhook: { url, secret } });
  const mark = { set: true };
  const before = { do: [{ copy: "/a" }, ping("one")], otherwise: [ping("two")] };
  const shown = redacted("dispatch-rule", before);
  assert.deepEqual(shown, { do: [{ copy: "/a" }, ping(mark)], otherwise: [ping(mark)] });
  assert.deepEqual(withKeptSecrets("dispatch-rule", shown, before), before);
  assert.deepEqual(withKeptSecrets("dispatch-rule", { do: [ping(mark)] }, before), { do: [ping(mark)] });
  assert.deepEqual(entryChanges("dispatch-rule", before, { ...before, otherwise: [ping("three")] }), [
    { field: "otherwise[0].webhook.secret", before: mark, after: mark },
  ]);
  for (const after of [{}, { do: [], otherwise: [] }, { do: [ping("one")] }, { do: [{ webhook: 1 }] }]) {
    assert.doesNotMatch(JSON.stringify(entryChanges("dispatch-rule", before, after)), /"(one|two)"/);
    assert.doesNotMatch(JSON.stringify(entryChanges("dispatch-rule", after, before)), /"(one|two)"/);
  }
});

test("references are found where an entry names others, excluded ones too", () => {
  assert.deepEqual(entryReferences("account", { groups: ["a", "b"] }), [
    { path: ["groups", 0], kind: "group", name: "a" },
    { path: ["groups", 1], kind: "group", name: "b" },
  ]);
  assert.deepEqual(entryReferences("alert-rule", { when: { accounts: ["! a"], groups: ["b"] } }), [
    { path: ["when", "accounts", 0], kind: "account", name: "a" },
    { path: ["when", "groups", 0], kind: "group", name: "b" },
  ]);
  assert.deepEqual(entryReferences("dispatch-rule", {}), []);
  assert.deepEqual(entryReferences("group", { groups: ["a"] }), []);
});

test("a place is written as in JavaScript", () => {
  assert.equal(fieldName(["permissions", 1, 0]), "permissions[1][0]");
  assert.equal(fieldName(["when", "accounts", 2]), "when.accounts[2]");
  assert.equal(fieldName([]), "");
});
