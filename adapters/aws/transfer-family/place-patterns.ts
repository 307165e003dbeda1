import { casesOf, type Glob, type GlobPiece, globsOf, restsBehind } from "../../../core/glob-pieces.ts";
import type { PermissionRule } from "../../../core/permission.ts";

/** A folder that the client sees and the prefix of object keys behind it: without slashes at the ends, or empty. */
export interface Mount {
  readonly path: string;
  readonly prefix: string;
}

/** Where in the bucket a rule applies, in IAM's wildcards: `*` any text, `?` one character, `${*}` the character. */
export interface PlacePatterns {
  /**
   * Object keys below the mounts, without those that end in `/`. Every one of them is a path that the rule is about.
   */
  readonly certain: readonly string[];
  /** All that the rule is about, and what IAM cannot tell from it; undefined where that is everything. */
  readonly possible: readonly string[] | undefined;
  /** The prefixes of the mounts that the rule is about themselves, with their `/`. */
  readonly roots: readonly string[];
}

/**
 * IAM compares by exact case and the rules do not, and it has neither character classes nor regular expressions. So
 * there are two readings: what is certain serves to allow, what is possible serves to deny.
 */
export function placePatternsOf(
  { expression }: Pick<PermissionRule, "expression">,
  user: string,
  mounts: readonly Mount[],
): PlacePatterns {
  const globs = expression ? globsOf(expression.source, user) : everything;
  const about = expression ? (path: string) => expression.matches(path) : () => true;
  const roots = mounts.filter(({ path }) => about(path)).map(({ prefix }) => iamLiteral(folderPrefix(prefix)));
  if (!globs) return { certain: [], possible: undefined, roots };
  const rests = mounts.flatMap((mount) => globs.flatMap((glob) => restsIn(mount, glob)));
  const patterns = (reading: Reading) => [...new Set(rests.flatMap((rest) => patternOf(rest, reading)))];
  return { certain: patterns("certain"), possible: patterns("possible"), roots };
}

type Reading = "certain" | "possible";

interface Rest {
  readonly prefix: string;
  readonly glob: Glob;
}

const everything: readonly Glob[] = [[{ kind: "run" }]];

function restsIn({ path, prefix }: Mount, glob: Glob): readonly Rest[] {
  const inside = path === "/" ? path : `${path}/`;
  const rests = restsBehind(glob, inside).map((rest) => ({ prefix: folderPrefix(prefix), glob: rest }));
  // What is left empty means the folder itself: that is a root, and no place below it.
  return rests.filter(({ glob: rest }) => rest.length > 0);
}

function folderPrefix(prefix: string): string {
  return prefix === "" ? "" : `${prefix}/`;
}

/** None where the rest cannot be written, or matches no path: paths end in no slash. */
function patternOf({ prefix, glob }: Rest, reading: Reading): readonly string[] {
  const pieces = glob.map((piece) => (reading === "certain" ? certainPiece(piece) : possiblePiece(piece)));
  if (pieces.some((piece) => piece === undefined)) return [];
  const pattern = iamLiteral(prefix) + pieces.join("").replaceAll(/\*+/g, "*");
  const last = glob.findLast(({ kind }) => kind !== "run");
  const isSlash = last === undefined || (last.kind === "literal" && last.character === "/");
  // A wildcard at the end may stand for a slash in IAM, which makes it the place of a folder's object.
  const mayBeSlash = isSlash || (reading === "certain" && last.kind !== "literal");
  if (!mayBeSlash) return [pattern];
  return pattern.endsWith("*") ? [`${pattern.slice(0, -1)}?*`] : [];
}

/** Undefined for what cannot be said without saying more. */
function certainPiece(piece: GlobPiece): string | undefined {
  if (piece.kind === "class") return undefined;
  return piece.kind === "literal" ? iamLiteral(piece.character) : wildcardOf(piece);
}

function possiblePiece(piece: GlobPiece): string {
  if (piece.kind !== "literal") return wildcardOf(piece);
  return piece.anyCase && casesOf(piece.character).length > 1 ? "?" : iamLiteral(piece.character);
}

function wildcardOf({ kind }: GlobPiece): string {
  return kind === "run" ? "*" : "?";
}

/** The text in a pattern of IAM, where it stands for itself. */
export function iamLiteral(text: string): string {
  return text.replaceAll(/[*?$]/g, (character) => `\${${character}}`);
}

/** False where no text matches both patterns; true where that cannot be ruled out. */
export function mayMeet(a: string, b: string): boolean {
  const [start, other] = [a, b].map((pattern) => /^(?:\$\{.\}|[^*?])*/.exec(pattern)?.[0] ?? "") as [string, string];
  return start.startsWith(other) || other.startsWith(start);
}
