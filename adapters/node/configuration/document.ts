import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  visit,
  type YAMLError,
} from "yaml";

/** Line and column count from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Something wrong at a place in the text. */
export interface Remark extends Position {
  readonly message: string;
}

/** A YAML text as plain data, which knows where in the text everything stands. */
export interface SourceDocument {
  readonly data: unknown;
  /**
   * Where the value at `path` begins, or the name that leads to it. For what is missing it is the place of the
   * nearest mapping or list around it.
   */
  positionOf(path: readonly PropertyKey[], part: "name" | "value"): Position;
}

/** `document` is undefined when the text cannot be understood at all. */
export interface Reading {
  readonly document: SourceDocument | undefined;
  readonly remarks: readonly Remark[];
}

// Ten places that share one block are convenient; anything that needs more than this is an attack on memory.
const maxAliasCount = 100;

/** Reads one YAML 1.2 document (core schema, no custom tags); JSON is YAML. Never throws, whatever the text. */
export function readDocument(text: string): Reading {
  const lines = new LineCounter();
  const parsed = parseDocument(text, {
    version: "1.2",
    schema: "core",
    resolveKnownTags: false,
    merge: false,
    stringKeys: true,
    uniqueKeys: true,
    prettyErrors: false,
    logLevel: "error",
    lineCounter: lines,
  });
  const at = (offset: number) => positionAt(lines, offset);
  const syntax = [...parsed.errors, ...parsed.warnings].map((error) => ({
    ...at(error.pos[0]),
    message: messageOf(error, text),
  }));
  const remarks = [...syntax, ...unknownAliases(parsed, at)];
  if (parsed.errors.some(({ code }) => code !== "DUPLICATE_KEY")) return { document: undefined, remarks };
  try {
    const data: unknown = parsed.toJS({ maxAliasCount });
    return { document: { data, positionOf: (path, part) => at(offsetOf(parsed, path, part)) }, remarks };
  } catch (error) {
    return { document: undefined, remarks: remarks.length > 0 ? remarks : [unreadable(error)] };
  }
}

function positionAt(lines: LineCounter, offset: number): Position {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col) };
}

function messageOf({ code, message, pos }: YAMLError, text: string): string {
  if (code === "DUPLICATE_KEY") return `${nameAt(text, pos[0])} stands here a second time`;
  if (code === "NON_STRING_KEY") return "a name must be plain text";
  if (code === "RESOURCE_EXHAUSTION") return "lists and mappings are nested too deeply";
  if (code === "TAG_RESOLVE_FAILED") return "tags that begin with ! are not supported";
  if (code === "MULTIPLE_DOCS") return "the file holds a second YAML document";
  return `not valid YAML: ${message}`;
}

function nameAt(text: string, offset: number): string {
  const [name = ""] = /^(?:"[^"\n]*"|'[^'\n]*'|[^\s:,}\]]+)/.exec(text.slice(offset, offset + 100)) ?? [];
  return JSON.stringify(name.replace(/^["']|["']$/g, ""));
}

function unknownAliases(parsed: Document, at: (offset: number) => Position): Remark[] {
  const remarks: Remark[] = [];
  try {
    visit(parsed, {
      Alias(_, alias) {
        if (alias.resolve(parsed) !== undefined) return;
        remarks.push({
          ...at(alias.range?.[0] ?? 0),
          message: `the anchor &${alias.source} does not stand before this`,
        });
      },
    });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  return remarks;
}

function unreadable(error: unknown): Remark {
  const message =
    error instanceof ReferenceError ? "aliases repeat too much" : "lists and mappings are nested too deeply";
  return { line: 1, column: 1, message };
}

function offsetOf(parsed: Document, path: readonly PropertyKey[], part: "name" | "value"): number {
  let value: unknown = parsed.contents;
  let offset = startOf(value) ?? 0;
  for (const [index, step] of path.entries()) {
    const found = member(parsed, value, step);
    if (!found) return offset;
    value = found.value;
    const isNamed = part === "name" && index === path.length - 1;
    offset = (isNamed ? undefined : startOf(value)) ?? found.nameOffset ?? offset;
  }
  return offset;
}

function member(
  parsed: Document,
  node: unknown,
  step: PropertyKey,
): { value: unknown; nameOffset?: number } | undefined {
  const target = isAlias(node) ? node.resolve(parsed) : node;
  if (isSeq(target)) {
    const value = typeof step === "number" ? target.items[step] : undefined;
    return value === undefined ? undefined : { value };
  }
  if (!isMap(target)) return undefined;
  const pair = target.items.findLast((candidate: Pair) => nameOf(candidate) === String(step));
  const nameOffset = startOf(pair?.key);
  return pair && { value: pair.value, ...(nameOffset !== undefined && { nameOffset }) };
}

function nameOf(pair: Pair): string {
  return String(isScalar(pair.key) ? pair.key.value : pair.key);
}

function startOf(node: unknown): number | undefined {
  return (node as Node | null | undefined)?.range?.[0];
}
