import assert from "node:assert/strict";
import { test } from "node:test";
import { entryChanges, redacted, secretMark, withKeptSecrets } from "../../core/configuration-entry.ts";

const hook = (secret: string) => ({ name: "hook", webhook: { url: "https://h/", secret } });

test("the secret of a webhook is not shown", () => {
  assert.deepEqual(redacted("alert-rule", hook("s1")), {
    name: "hook",
    webhook: { url: "https://h/", secret: secretMark },
  });
  for (const entry of [{ name: "a" }, { webhook: null }, { webhook: { url: "https://h/" } }]) {
    assert.deepEqual(redacted("alert-rule", entry), entry);
  }
});

test("a change of a webhook does not show its secrets, whatever changes around them", () => {
  assert.deepEqual(entryChanges("alert-rule", hook("s1"), hook("s2")), [
    { field: "webhook.secret", before: secretMark, after: secretMark },
  ]);
  for (const changes of [
    entryChanges("alert-rule", undefined, hook("s1")),
    entryChanges("alert-rule", hook("s1"), undefined),
    entryChanges("alert-rule", { name: "hook" }, hook("s1")),
    entryChanges("alert-rule", { name: "hook", webhook: null }, hook("s1")),
  ]) {
    assert.doesNotMatch(JSON.stringify(changes), /s1/);
    assert.ok(changes.some(({ field }) => field === "webhook"));
  }
});

test("what is shown of a secret may be sent back to keep it", () => {
  const shown = redacted("alert-rule", hook("s1"));
  assert.deepEqual(withKeptSecrets("alert-rule", shown, hook("s1")), hook("s1"));
  assert.deepEqual(withKeptSecrets("alert-rule", hook("s2"), hook("s1")), hook("s2"));
  assert.deepEqual(withKeptSecrets("alert-rule", shown, undefined), shown);
});
