import type { z } from "zod";
import { suggestionFor } from "./suggestion.ts";

/** Something wrong with the value at `path`, or with the name that leads to it. */
export interface Finding {
  readonly path: readonly PropertyKey[];
  readonly part: "name" | "value";
  readonly message: string;
}

type Issue = z.core.$ZodIssue;
type UnionIssue = z.core.$ZodIssueInvalidUnion;

// A longer list is left out where one of its entries is likely to be what was meant.
const mostListed = 5;

const words: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "a mapping",
  record: "a mapping",
};

/** What zod is asked to say; undefined where a schema has words of its own. No message repeats a text value. */
export function messageFor(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case "invalid_type":
      return mismatch([wordFor(issue.expected)], issue.input);
    case "invalid_value":
      return enumerationMessage(issue.values, issue.input);
    case "too_big":
      if (isNumber(issue.origin)) return `at most ${issue.maximum} is possible`;
      return `at most ${issue.maximum} ${unitOf(issue.origin, issue.maximum)} possible`;
    case "too_small":
      if (isNumber(issue.origin)) return `at least ${issue.minimum} is needed`;
      return `at least ${issue.minimum} ${unitOf(issue.origin, issue.minimum)} needed`;
    default:
      return undefined;
  }
}

function isNumber(origin: string): boolean {
  return origin === "number" || origin === "int";
}

function mismatch(expected: readonly string[], input: unknown): string {
  const isScalar = typeof input === "number" || typeof input === "boolean";
  const hint = isScalar && expected.includes(wordFor("string")) ? "; quotes make it text" : "";
  return `expected ${expected.join(" or ")}, found ${describe(input)}${hint}`;
}

function wordFor(expected: string): string {
  return words[expected] ?? expected;
}

function describe(value: unknown): string {
  if (value === null || value === undefined) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "a mapping";
  return typeof value === "string" ? "text" : `${value}`;
}

function enumerationMessage(values: readonly unknown[], input: unknown): string {
  const known = values.map(String);
  if (typeof input !== "string") return mismatch(known, input);
  const suggestion = suggestionFor(input, known);
  const isListed = known.length <= mostListed || suggestion === "";
  // What begins with ! excludes one of the others.
  const listed = known.filter((value) => !value.startsWith("!")).join(", ");
  return `${JSON.stringify(input)} is not one of ${isListed ? listed : "those possible"}${suggestion}`;
}

function unitOf(origin: string, count: number | bigint): string {
  if (origin === "number" || origin === "int") return "is";
  const one = Number(count) === 1;
  if (origin === "string") return one ? "character is" : "characters are";
  return one ? "entry is" : "entries are";
}

/** Everything that reading with a schema found wrong. */
export function findingsOf(error: z.ZodError): Finding[] {
  return error.issues.flatMap((issue) => fromIssue(issue, []));
}

function fromIssue(issue: Issue, prefix: readonly PropertyKey[]): Finding[] {
  const path = [...prefix, ...issue.path];
  switch (issue.code) {
    case "unrecognized_keys": {
      const messages = issue.message.split("\n");
      return issue.keys.map((name, at) => ({ path: [...path, name], part: "name", message: messages[at] ?? "" }));
    }
    case "invalid_key":
      return [{ path, part: "name", message: issue.issues[0]?.message ?? issue.message }];
    case "invalid_union":
      return fromUnion(issue, path);
    case "invalid_type":
      return [issue.input === undefined ? missing(path) : { path, part: "value", message: issue.message }];
    case "custom":
      return [{ path, part: issue.params?.part === "name" ? "name" : "value", message: issue.message }];
    default:
      return [{ path, part: "value", message: issue.message }];
  }
}

function missing(path: readonly PropertyKey[]): Finding {
  return { path, part: "value", message: `missing key ${JSON.stringify(String(path.at(-1)))}` };
}

/**
 * Where a value may have one of several forms, the one that was meant is the one whose kind is right; when all or
 * none of them are, what they expect is listed.
 */
function fromUnion(issue: UnionIssue, path: readonly PropertyKey[]): Finding[] {
  if (issue.input === undefined) return [missing(path)];
  const meant = issue.errors.filter((issues) => !issues.some(isOfAnotherKind));
  const [closest, ...others] = meant;
  if (closest && others.length === 0) return closest.flatMap((inner) => fromIssue(inner, path));
  const expected = issue.errors.flatMap((issues) => issues.filter(isOfAnotherKind).map(expectationOf));
  return [{ path, part: "value", message: mismatch([...new Set(expected)], issue.input) }];
}

function isOfAnotherKind(issue: Issue): boolean {
  return issue.path.length === 0 && (issue.code === "invalid_type" || issue.code === "invalid_value");
}

function expectationOf(issue: Issue): string {
  if (issue.code === "invalid_value") return issue.values.join(" or ");
  return issue.code === "invalid_type" ? wordFor(issue.expected) : issue.message;
}
