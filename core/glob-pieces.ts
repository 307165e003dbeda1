/** A part of a glob. `literal` is one character; `anyCase` says that its other cases are meant as well. */
export type GlobPiece =
  | { readonly kind: "run" }
  | { readonly kind: "any" }
  | { readonly kind: "literal"; readonly character: string; readonly anyCase: boolean }
  | { readonly kind: "class"; readonly isNegated: boolean; readonly ranges: readonly CharacterRange[] };

type CharacterRange = readonly [low: string, high: string];

export type Glob = readonly GlobPiece[];

const userVariable = `\${USER}`;
const space = " \t\r\n";

/**
 * The globs of an expression that `compileExpression` has read, for those who write them in another language.
 * Undefined for regular expressions and for negated globs: what they match is no list of globs.
 */
export function globsOf(source: string, user: string): readonly Glob[] | undefined {
  const text = trimmed(source);
  if (/^[me]\//.test(text) || text.startsWith("!")) return undefined;
  const body = text.startsWith("g/") ? trimmed(text.slice(2, text.lastIndexOf("/"))) : text;
  if (body.startsWith("!")) return undefined;
  const globs: Glob[] = [];
  let start = 0;
  for (const { text: piece, end } of scan(body)) {
    if (piece !== "|") continue;
    globs.push(globOf(body.slice(start, end - 1), user));
    start = end;
  }
  return [...globs, globOf(body.slice(start), user)];
}

/**
 * What of the glob is left to match behind `text`, of which it has to match all: none where it cannot, several where
 * it can in several ways. Together the rests match what the glob matches behind the text.
 */
export function restsBehind(glob: Glob, text: string): readonly Glob[] {
  let positions = new Set([0]);
  for (const character of text) {
    const next = new Set<number>();
    for (const position of withSkippedRuns(glob, positions)) {
      const piece = glob[position];
      if (piece && matchesCharacter(piece, character)) next.add(piece.kind === "run" ? position : position + 1);
    }
    positions = next;
  }
  return [...positions].map((position) => glob.slice(position));
}

/** Whether the glob matches the whole text. */
export function matchesGlob(glob: Glob, text: string): boolean {
  return restsBehind(glob, text).some((rest) => rest.every(({ kind }) => kind === "run"));
}

function withSkippedRuns(glob: Glob, positions: ReadonlySet<number>): ReadonlySet<number> {
  const reached = new Set<number>();
  for (let position of positions) {
    reached.add(position);
    while (glob[position]?.kind === "run") reached.add(++position);
  }
  return reached;
}

function matchesCharacter(piece: GlobPiece, character: string): boolean {
  switch (piece.kind) {
    case "run":
    case "any":
      return true;
    case "literal":
      return piece.character === character || (piece.anyCase && casesOf(piece.character).includes(character));
    case "class":
      return piece.isNegated !== casesOf(character).some((one) => isInRanges(piece.ranges, one));
  }
}

/** The character and its other cases, as far as they are one character. */
export function casesOf(character: string): readonly string[] {
  const cases = new Set([character, character.toLowerCase(), character.toUpperCase()]);
  return [...cases].filter((one) => [...one].length === 1);
}

function isInRanges(ranges: readonly CharacterRange[], character: string): boolean {
  const point = character.codePointAt(0) ?? 0;
  return ranges.some(([low, high]) => (low.codePointAt(0) ?? 0) <= point && point <= (high.codePointAt(0) ?? 0));
}

function globOf(source: string, user: string): Glob {
  return [...scan(trimmed(source))].flatMap(({ text }): Glob => {
    if (text === "*") return [{ kind: "run" }];
    if (text === "?") return [{ kind: "any" }];
    if (text === userVariable) return literals(user, false);
    return text.length > 1 && text.startsWith("[") ? [classOf([...text.slice(1, -1)])] : literals(text, true);
  });
}

function literals(text: string, anyCase: boolean): Glob {
  return [...text].map((character) => ({ kind: "literal", character, anyCase }));
}

function classOf(members: readonly string[]): GlobPiece {
  const isNegated = members[0] === "!";
  const ranges: CharacterRange[] = [];
  for (let at = isNegated ? 1 : 0; at < members.length; at++) {
    const [low = "", dash, high] = members.slice(at, at + 3);
    const isRange = dash === "-" && high !== undefined;
    ranges.push([low, isRange ? high : low]);
    if (isRange) at += 2;
  }
  return { kind: "class", isNegated, ranges };
}

/** The pieces of a glob's text: a class, the variable, or one character. A class may begin with `]`. */
function* scan(text: string): Generator<{ readonly text: string; readonly end: number }> {
  for (const match of text.matchAll(/\[!?\]?[^\]]*\]|\$\{USER\}|./gsu)) {
    yield { text: match[0], end: match.index + match[0].length };
  }
}

function trimmed(text: string): string {
  let [start, end] = [0, text.length];
  while (start < end && space.includes(text[start] ?? "")) start++;
  while (end > start && space.includes(text[end - 1] ?? "")) end--;
  return text.slice(start, end);
}
