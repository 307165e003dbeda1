import assert from "node:assert/strict";
import { test } from "node:test";
import { folderGrantedBy } from "../../core/named-folder.ts";
import { parsePermissionRules } from "../../core/permission.ts";

function folderOf(...rule: string[]): string | undefined {
  const [parsed] = parsePermissionRules([rule], { owner: "account acme", accountName: "acme" });
  return parsed && folderGrantedBy(parsed, "acme");
}

test("a rule about what is in a folder names the folder", () => {
  assert.equal(folderOf("/inbox/*", "allow-write"), "/inbox");
  assert.equal(folderOf("/inbox | /inbox/*", "allow-write"), "/inbox");
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the syntax of permission rules.
  assert.equal(folderOf("/in/${USER}/*", "allow-list"), "/in/acme");
});

test("other rules name none", () => {
  for (const expression of ["*.pdf", "/in?/*", "! /inbox/*", "m/a|/x/*/", "e/inbox/", "/inbox"]) {
    assert.equal(folderOf(expression, "allow-write"), undefined, expression);
  }
  assert.equal(folderOf("/inbox/*", "deny-full-control"), undefined);
  assert.equal(folderOf("allow-write"), undefined);
});
