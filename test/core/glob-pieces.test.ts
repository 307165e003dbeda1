import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compileExpression, ExpressionError } from "../../core/expression.ts";
import { globsOf, matchesGlob, restsBehind } from "../../core/glob-pieces.ts";

const user = "aB]*1";
const fragment = fc.constantFrom(
  "a",
  "B",
  "z",
  "/",
  "*",
  "?",
  "[a-c]",
  "[!b]",
  "[]x]",
  "[!]]",
  "[|]",
  "[*]",
  "|",
  " ",
  "$",
  `\${USER}`,
  "ß",
  "]",
);
const source = fc.array(fragment, { minLength: 1, maxLength: 8 }).map((parts) => parts.join(""));
const path = fc
  .array(fc.constantFrom("a", "A", "b", "B", "c", "z", "-", "/", "*", "]", "x", "1", "ß", "|", "$", user), {
    maxLength: 8,
  })
  .map((parts) => `/${parts.join("")}`);

function readable(text: string): boolean {
  try {
    compileExpression(text, { user });
    return true;
  } catch (error) {
    if (error instanceof ExpressionError) return false;
    throw error;
  }
}

test("globs mean what the expression means", () => {
  const wrapped = fc.tuple(source, fc.boolean()).map(([text, isWrapped]) => (isWrapped ? `g/${text}/` : text));
  fc.assert(
    fc.property(wrapped.filter(readable), path, (text, place) => {
      const globs = globsOf(text, user);
      assert.ok(globs, text);
      const isMatch = globs.some((glob) => matchesGlob(glob, place));
      assert.equal(isMatch, compileExpression(text, { user }).matches(place), `${text} and ${place}`);
    }),
    { numRuns: 2000 },
  );
});

test("what is left behind a text matches what the glob matches there", () => {
  fc.assert(
    fc.property(source.filter(readable), path, path, (text, before, behind) => {
      for (const glob of globsOf(text, user) ?? []) {
        const rests = restsBehind(glob, before);
        assert.equal(
          rests.some((rest) => matchesGlob(rest, behind)),
          matchesGlob(glob, before + behind),
          `${text}: ${before} and ${behind}`,
        );
      }
    }),
  );
});

test("regular expressions and negated globs are no list of globs", () => {
  for (const text of ["m/a/", "e/a/i", "! *.tmp", "g/! *.tmp/"]) assert.equal(globsOf(text, user), undefined, text);
});
