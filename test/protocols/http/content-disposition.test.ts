import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { attachment } from "../../../protocols/http/content-disposition.ts";

test("a plain name stands in quotes alone", () => {
  assert.equal(attachment("report 1.pdf"), 'attachment; filename="report 1.pdf"');
});

test("any name comes through in full, and what stands in quotes cannot end them", () => {
  const name = fc
    .string({ unit: "binary", minLength: 1 })
    .filter((text) => text.isWellFormed() && !/\p{Cc}/u.test(text));
  fc.assert(
    fc.property(name, (text) => {
      const match = /^attachment; filename="([^"\\]*)"(?:; filename\*=UTF-8''([\w!#$&+.^`|~%-]+))?$/.exec(
        attachment(text),
      );
      assert.ok(match, attachment(text));
      assert.equal(match[2] === undefined ? match[1] : decodeURIComponent(match[2]), text);
      assert.match(match[1] ?? "", /^[\x20-\x7e]*$/);
    }),
  );
});
