import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compileExpression } from "../../core/expression.ts";

// The oracle: a backtracking matcher over the parts of a glob, written without regard to its text form.

type ClassMember = { readonly low: string; readonly high: string };
type GlobPart =
  | { readonly kind: "star" }
  | { readonly kind: "any" }
  | { readonly kind: "user" }
  | { readonly kind: "literal"; readonly character: string }
  | { readonly kind: "class"; readonly negated: boolean; readonly members: readonly ClassMember[] };

const alphabet = ["a", "B", "c", "/", "é", "É", "😀", ".", "*", "?", "[", "]", "!", "|", "$", "\\", "-"];

function oracle(parts: readonly GlobPart[], text: readonly string[], name: readonly string[]): boolean {
  const [part, ...rest] = parts;
  if (!part) return text.length === 0;
  if (part.kind === "star") return oracle(rest, text, name) || (text.length > 0 && oracle(parts, text.slice(1), name));
  if (part.kind === "user") {
    return name.every((character, index) => text[index] === character) && oracle(rest, text.slice(name.length), name);
  }
  const [character, ...left] = text;
  return character !== undefined && fits(part, character) && oracle(rest, left, name);
}

function fits(part: GlobPart, character: string): boolean {
  if (part.kind === "literal") return part.character.toLowerCase() === character.toLowerCase();
  if (part.kind !== "class") return part.kind === "any";
  const isMember = [character.toLowerCase(), character.toUpperCase()].some((variant) =>
    part.members.some(({ low, high }) => codeOf(low) <= codeOf(variant) && codeOf(variant) <= codeOf(high)),
  );
  return isMember !== part.negated;
}

function codeOf(character: string): number {
  return character.codePointAt(0) ?? 0;
}

function written(part: GlobPart): string {
  if (part.kind === "star") return "*";
  if (part.kind === "any") return "?";
  if (part.kind === "user") return `\${USER}`;
  if (part.kind === "literal") return "*?[|$".includes(part.character) ? `[${part.character}]` : part.character;
  const members = part.members.map(({ low, high }) => (low === high ? low : `${low}-${high}`));
  return `[${part.negated ? "!" : ""}${members.join("")}]`;
}

const characters = fc.constantFrom(...alphabet);
const classMember: fc.Arbitrary<ClassMember> = fc.oneof(
  fc
    .constantFrom("a", "B", "/", "é", "😀", "*", "|", "[", "$")
    .map((character) => ({ low: character, high: character })),
  fc
    .constantFrom<[string, string][]>(["a", "c"], ["A", "C"], ["A", "z"], ["*", "/"], ["à", "ï"], ["😀", "😂"])
    .map(([low, high]) => ({ low, high })),
);
const globPart: fc.Arbitrary<GlobPart> = fc.oneof(
  { weight: 4, arbitrary: characters.map((character) => ({ kind: "literal" as const, character })) },
  { weight: 2, arbitrary: fc.constantFrom<GlobPart[]>({ kind: "star" }, { kind: "any" }) },
  { weight: 1, arbitrary: fc.constant({ kind: "user" as const }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("class" as const),
      negated: fc.boolean(),
      members: fc.array(classMember, { minLength: 1, maxLength: 3 }),
    }),
  },
);
const globParts = fc.array(globPart, { minLength: 1, maxLength: 6 });

/** A text that the glob matches, or nearly: `picks` decides what stands for stars and classes. */
function textLike(parts: readonly GlobPart[], picks: readonly string[], name: string): string {
  return parts
    .map((part, index) => {
      const pick = picks[index % picks.length] ?? "";
      if (part.kind === "user") return name;
      if (part.kind === "literal") return index % 2 === 0 ? part.character.toUpperCase() : part.character;
      if (part.kind === "class" && !part.negated) return part.members[0]?.high ?? "";
      return part.kind === "star" ? pick + pick : pick;
    })
    .join("");
}

const globCase = fc.record({
  alternatives: fc.array(globParts, { minLength: 1, maxLength: 3 }),
  negated: fc.boolean(),
  name: fc.array(characters, { maxLength: 3 }).map((parts) => parts.join("")),
  picks: fc.array(characters, { minLength: 1, maxLength: 4 }),
  text: fc.array(characters, { maxLength: 8 }).map((parts) => parts.join("")),
});

test("globs agree with a backtracking matcher on random globs, names and paths", () => {
  let matched = 0;
  fc.assert(
    fc.property(globCase, ({ alternatives, negated, name, picks, text }) => {
      const globs = alternatives.map((parts) => parts.map(written).join(""));
      fc.pre(negated || !globs[0]?.startsWith("!"));
      const source = `${negated ? "! " : ""}${globs.join(" | ")}`;
      const expression = compileExpression(source, { user: name });
      for (const candidate of [text, textLike(alternatives[0] ?? [], picks, name)]) {
        const expected = alternatives.some((parts) => oracle(parts, Array.from(candidate), Array.from(name)));
        if (expected) matched++;
        assert.equal(expression.matches(candidate), expected !== negated, `${source} on ${candidate}`);
      }
    }),
    { numRuns: 5000 },
  );
  assert.ok(matched > 1000, "the generated paths match often enough to mean something");
});
