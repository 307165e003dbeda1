import { RE2JS, RE2JSException, RE2JSSyntaxException } from "re2js";
import { limits } from "./limits.ts";

/** A matching expression, ready to use. It is true or false of a path, in time linear in the path's length. */
export interface Expression {
  /** The expression as it was written. */
  readonly source: string;
  matches(path: string): boolean;
  /** How many groups a regular expression has; 0 for globs and for what is not to be found. */
  readonly captureCount: number;
  /** What the groups found, the first first; empty texts for groups that took no part or where nothing matches. */
  captures(path: string): readonly string[];
}

/** An expression that cannot be read. The message is one sentence that ends with the place. */
export class ExpressionError extends Error {
  override readonly name = "ExpressionError";
  /** Where in the source, in code points, counted from 1. */
  readonly character: number;

  constructor(problem: string, character: number) {
    super(`${problem} (at character ${character})`);
    this.character = character;
  }
}

/** What an expression may refer to: `user` is the name of the account for which it is compiled. */
export interface ExpressionValues {
  readonly user: string;
}

/** The code points from `start` up to but not including `end`; places in it are places in the source. */
interface Span {
  readonly characters: readonly string[];
  readonly start: number;
  readonly end: number;
}

const userVariable = `\${USER}`;
const space = /[ \t\r\n]/;

/**
 * Reads a matching expression:
 * - `*.pdf`: a glob, case-insensitive, matched against the whole path. `*` is any run of characters and `?` any
 *   one, `/` included; `[a-z]` and `[!a-z]` are classes; brackets make a special character ordinary: `[*]`, `[|]`.
 * - `*.pdf | *.txt`: any of the globs. `! *.tmp | *.part`: none of them. `g/…/` says that a glob expression follows.
 * - `m/…/`: a regular expression (RE2 syntax) found anywhere in the path, `m/…/i` whatever the case;
 *   `e/…/` and `e/…/i`: one that is not found.
 *
 * `${USER}` stands for `values.user`, literally and in exactly its case, in globs and regular expressions alike.
 * @throws ExpressionError for anything else, and for expressions over the limits.
 */
export function compileExpression(source: string, values?: ExpressionValues): Expression {
  // Thousands of accounts have the same few expressions, and most of the time of reading them goes into these.
  if (referencesUser(source)) return compileNew(source, values);
  const known = compiled.get(source);
  const expression = known ?? compileNew(source, values);
  compiled.delete(source);
  compiled.set(source, expression);
  const [oldest] = compiled.keys();
  if (compiled.size > limits.compiledExpressions && oldest !== undefined) compiled.delete(oldest);
  return expression;
}

/** The expressions of late, the latest last. They mean the same for every account. */
const compiled = new Map<string, Expression>();

function compileNew(source: string, values: ExpressionValues | undefined): Expression {
  const text = readText(source);
  const kind = text.characters[text.start + 1] === "/" ? text.characters[text.start] : undefined;
  if (kind === "m" || kind === "e") return regexExpression(source, text, values);
  return globExpression(source, kind === "g" ? betweenSlashes(text, "") : text, values);
}

/**
 * Reads an expression that virtual paths are held against, all of which begin with `/`.
 * @throws ExpressionError as `compileExpression`, and for a glob that no path can match, such as `inbox/*`.
 */
export function compilePathExpression(source: string, values?: ExpressionValues): Expression {
  const expression = compileExpression(source, values);
  for (const { characters, start, end } of globsOf(readText(source))) {
    if (/^[/*?[]/.test(characters[start] ?? "")) continue;
    const glob = characters.slice(start, end).join("");
    throw new ExpressionError(`the glob ${JSON.stringify(glob)} matches no path: paths begin with /`, start + 1);
  }
  return expression;
}

/** None for a regular expression. */
function globsOf(text: Span): Span[] {
  const kind = text.characters[text.start + 1] === "/" ? text.characters[text.start] : undefined;
  if (kind === "m" || kind === "e") return [];
  return alternativesOf(withoutNegation(kind === "g" ? betweenSlashes(text, "") : text));
}

function withoutNegation(text: Span): Span {
  return text.characters[text.start] === "!" ? { ...text, start: text.start + 1 } : text;
}

/** True when what the expression means may depend on the account: it has to be compiled for each. */
export function referencesUser(source: string): boolean {
  return source.includes(userVariable);
}

function readText(source: string): Span {
  if (source.length > limits.expressionLength) {
    throw new ExpressionError(
      `the expression is over ${limits.expressionLength} characters`,
      limits.expressionLength + 1,
    );
  }
  const characters = Array.from(source);
  const malformed = characters.findIndex((character) => !character.isWellFormed());
  if (malformed >= 0) throw new ExpressionError("the expression is not well-formed Unicode", malformed + 1);
  const text = trim({ characters, start: 0, end: characters.length });
  if (text.start === text.end) throw new ExpressionError("the expression is empty", 1);
  return text;
}

function trim({ characters, start, end }: Span): Span {
  let [from, to] = [start, end];
  while (from < to && space.test(characters[from] ?? "")) from++;
  while (to > from && space.test(characters[to - 1] ?? "")) to--;
  return { characters, start: from, end: to };
}

/** What stands between the slashes of `x/…/flags`. */
function betweenSlashes(text: Span, allowedFlag: "" | "i"): Span {
  const close = text.characters.lastIndexOf("/", text.end - 1);
  const start = text.start + 2;
  if (close < start) throw new ExpressionError("the closing / is missing", text.end + 1);
  if (close === start) throw new ExpressionError("nothing stands between the slashes", start + 1);
  const flags = slice(text, close + 1, text.end);
  if (flags !== "" && flags !== allowedFlag) {
    const allowed = allowedFlag === "" ? "nothing" : "only the flag i";
    throw new ExpressionError(`${allowed} may follow the closing /`, close + 2);
  }
  return { characters: text.characters, start, end: close };
}

function slice(span: Span, start = span.start, end = span.end): string {
  return span.characters.slice(start, end).join("");
}

/** The place in the source of the UTF-16 `offset` into `slice(span)`; the span's first where there is none. */
function characterAt(span: Span, offset: number): number {
  return span.start + Array.from(slice(span).slice(0, Math.max(0, offset))).length + 1;
}

// Regular expressions

function regexExpression(source: string, text: Span, values: ExpressionValues | undefined): Expression {
  const body = betweenSlashes(text, "i");
  const ignoreCase = body.end + 1 < text.end;
  const negated = text.characters[text.start] === "e";
  const program = compileProgram(substituteUser(body, values), ignoreCase ? RE2JS.CASE_INSENSITIVE : 0, body);
  const captureCount = negated ? 0 : program.groupCount();
  return {
    source,
    matches: (path) => program.test(path) !== negated,
    captureCount,
    captures: (path) => captured(program, captureCount, path),
  };
}

function captured(program: RE2JS, captureCount: number, path: string): readonly string[] {
  const matcher = program.matcher(path);
  const isFound = captureCount > 0 && matcher.find();
  return Array.from({ length: captureCount }, (_, index) => (isFound ? (matcher.group(index + 1) ?? "") : ""));
}

// What RE2 reads as one piece: quoted text, an escape, a class, then the variable and single characters.
const regexPiece = /\\Q.*?(?:\\E|$)|\\.|\[\^?\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*\]|\$\{USER\}|./gsu;

function substituteUser(body: Span, values: ExpressionValues | undefined): string {
  return slice(body).replace(regexPiece, (piece, offset: number) => {
    if (!piece.includes(userVariable)) return piece;
    const character = characterAt(body, offset);
    if (piece !== userVariable) {
      throw new ExpressionError(`${userVariable} cannot stand inside brackets or quoted text`, character);
    }
    return userPattern(values, character);
  });
}

function compileProgram(pattern: string, flags: number, body: Span): RE2JS {
  const program = parseRegex(pattern, flags, body);
  if (program.programSize() > limits.expressionInstructions) {
    throw new ExpressionError("the expression repeats too much", body.start + 1);
  }
  return program;
}

function parseRegex(pattern: string, flags: number, body: Span): RE2JS {
  try {
    return RE2JS.compile(pattern, flags);
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error;
    const fragment = (error instanceof RE2JSSyntaxException && error.input) || "";
    throw new ExpressionError(regexProblem(error, fragment), characterAt(body, slice(body).indexOf(fragment)));
  }
}

function regexProblem(error: RE2JSException, fragment: string): string {
  if (/^\(\?<?[=!]/.test(fragment)) return "lookahead and lookbehind cannot run in linear time and are not supported";
  if (/^\\[1-9k]/.test(fragment)) return "backreferences cannot run in linear time and are not supported";
  const problem = error instanceof RE2JSSyntaxException ? error.error : error.message;
  return `the regular expression is wrong: ${problem}`;
}

// Globs

function globExpression(source: string, text: Span, values: ExpressionValues | undefined): Expression {
  const negated = text.characters[text.start] === "!";
  const body = withoutNegation(text);
  const patterns = alternativesOf(body).map((glob) => globPattern(glob, values));
  const program = compileProgram(`\\A(?is:${patterns.join("|")})\\z`, 0, body);
  return { source, matches: (path) => program.test(path) !== negated, captureCount: 0, captures: () => [] };
}

function alternativesOf(body: Span): Span[] {
  const alternatives: Span[] = [];
  let start = body.start;
  for (let at = body.start; at <= body.end; at++) {
    const character = at < body.end ? body.characters[at] : "|";
    if (character === "[") at = classEnd(body, at);
    if (character !== "|") continue;
    alternatives.push(alternative({ ...body, start, end: at }));
    start = at + 1;
  }
  if (alternatives.length > limits.expressionAlternatives) {
    throw new ExpressionError(`there are more than ${limits.expressionAlternatives} alternatives`, body.start + 1);
  }
  return alternatives;
}

function alternative(span: Span): Span {
  const trimmed = trim(span);
  const { characters, start, end } = trimmed;
  if (start === end) throw new ExpressionError("a glob is missing", span.start + 1);
  if (end - start > 1 && characters[start + 1] === "/" && /[gme]/.test(characters[start] ?? "")) {
    throw new ExpressionError(`${characters[start]}/…/ must be the whole expression`, start + 1);
  }
  return trimmed;
}

/** Where the class that opens at `open` closes. Its first character is a member even when it is `]`. */
function classEnd(glob: Span, open: number): number {
  const first = glob.characters[open + 1] === "!" ? open + 2 : open + 1;
  const close = glob.characters.indexOf("]", first + 1);
  if (close < 0) {
    throw new ExpressionError("the bracket is not closed; [[] stands for the character [", open + 1);
  }
  return close;
}

function globPattern(glob: Span, values: ExpressionValues | undefined): string {
  let pattern = "";
  for (let at = glob.start; at < glob.end; at++) {
    const character = glob.characters[at] ?? "";
    if (character === "[") {
      const close = classEnd(glob, at);
      pattern += classPattern({ ...glob, start: at + 1, end: close });
      at = close;
    } else if (character === "$" && slice(glob, at, at + userVariable.length) === userVariable) {
      pattern += userPattern(values, at + 1);
      at += userVariable.length - 1;
    } else pattern += character === "*" ? ".*" : character === "?" ? "." : literal(character);
  }
  return pattern;
}

/** `members` are what stands between the brackets: `a-z_`, or `!` and what must not be there. */
function classPattern(members: Span): string {
  if (slice(members).includes(userVariable)) {
    throw new ExpressionError(`${userVariable} cannot stand inside brackets`, members.start + 1);
  }
  const negated = members.characters[members.start] === "!";
  let pattern = "";
  for (let at = negated ? members.start + 1 : members.start; at < members.end; at++) {
    const [low = "", dash, high = ""] = members.characters.slice(at, Math.min(at + 3, members.end));
    pattern += literal(low);
    if (dash !== "-" || high === "") continue;
    if ((low.codePointAt(0) ?? 0) > (high.codePointAt(0) ?? 0)) {
      throw new ExpressionError(`the range ${low}-${high} runs backwards`, at + 1);
    }
    pattern += `-${literal(high)}`;
    at += 2;
  }
  return `[${negated ? "^" : ""}${pattern}]`;
}

/** The account's name in its own case, whatever the rest of the expression ignores. */
function userPattern(values: ExpressionValues | undefined, character: number): string {
  if (values === undefined) {
    throw new ExpressionError(`${userVariable} stands for an account and there is none here`, character);
  }
  return `(?-i:${Array.from(values.user, literal).join("")})`;
}

/** In hexadecimal no character can be taken for syntax, wherever it comes to stand. */
function literal(character: string): string {
  return `\\x{${(character.codePointAt(0) ?? 0).toString(16)}}`;
}
