import assert from "node:assert/strict";
import { test } from "node:test";
import { foldersGrantedBy } from "../../core/named-folder.ts";
import { parsePermissionRules } from "../../core/permission.ts";

function foldersOf(...rule: string[]): readonly string[] | undefined {
  const [parsed] = parsePermissionRules([rule], { owner: "account acme", accountName: "acme" });
  return parsed && foldersGrantedBy(parsed, "acme");
}

test("a rule about what is in a folder names the folder, and each of several", () => {
  assert.deepEqual(foldersOf("/inbox/*", "allow-write"), ["/inbox"]);
  assert.deepEqual(foldersOf("/inbox | /inbox/*", "allow-write"), ["/inbox"]);
  assert.deepEqual(foldersOf("/in/* | *.pdf | /out/*", "allow-write"), ["/in", "/out"]);
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the syntax of permission rules.
  assert.deepEqual(foldersOf("/in/${USER}/*", "allow-list"), ["/in/acme"]);
});

test("other rules name none", () => {
  for (const expression of ["*.pdf", "/in?/*", "! /inbox/*", "m/a|/x/*/", "e/inbox/", "/inbox"]) {
    assert.deepEqual(foldersOf(expression, "allow-write"), [], expression);
  }
  assert.deepEqual(foldersOf("/inbox/*", "deny-full-control"), []);
  assert.deepEqual(foldersOf("allow-write"), []);
});
