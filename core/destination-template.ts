import { FileError } from "./errors.ts";
import { nameOf, parseVirtualPath, type VirtualPath } from "./virtual-path.ts";

/** What the variables of a template stand for. */
export interface TemplateValues {
  readonly accountName: string;
  /** The file that is dispatched. */
  readonly path: VirtualPath;
  /** ISO 8601 in UTC, of the event. */
  readonly time: string;
  /** What the groups of the rule's regular expression found: `{1}` is the first. */
  readonly captures: readonly string[];
}

type Variable = (values: TemplateValues) => string;

/** Literal text, or a variable with the name that messages give it. */
type Piece = string | { readonly name: string; readonly read: Variable };

/** A destination that may hold variables: the names of its folders, from the root down. */
export interface DestinationTemplate {
  readonly source: string;
  /** The last one names the file, unless `keepsName`. */
  readonly segments: readonly (readonly Piece[])[];
  readonly keepsName: boolean;
}

const variables: Readonly<Record<string, Variable>> = {
  "account.name": ({ accountName }) => accountName,
  "file.name": ({ path }) => nameOf(path),
  "file.stem": ({ path }) => partsOf(nameOf(path)).stem,
  "file.extension": ({ path }) => partsOf(nameOf(path)).extension,
};

const instantParts: Readonly<Record<string, readonly [start: number, end: number]>> = {
  yyyy: [0, 4],
  MM: [5, 7],
  dd: [8, 10],
  HH: [11, 13],
  mm: [14, 16],
  ss: [17, 19],
  SSS: [20, 23],
};

const controlCharacter = /\p{Cc}/u;

/** `a.tar.gz` is `a.tar` and `gz`; a name that only begins with a dot has no extension. */
export function partsOf(name: string): { readonly stem: string; readonly extension: string } {
  const dot = name.lastIndexOf(".");
  return dot <= 0 ? { stem: name, extension: "" } : { stem: name.slice(0, dot), extension: name.slice(dot + 1) };
}

/**
 * Reads a destination such as `/outbox/{time:yyyy-MM}/{file.stem}-{1}.{file.extension}`; with a `/` at its end the file
 * keeps its name. `.` and `..` are resolved here, so that no value can take part in that.
 * @throws FileError `invalid-argument`, `invalid-path` with one sentence.
 */
export function parseDestinationTemplate(source: string, captureCount: number): DestinationTemplate {
  if (!source.startsWith("/")) throw new FileError("invalid-argument", "a destination begins with /");
  const segments = segmentsIn(source, captureCount);
  const literalsOnly = segments.map((pieces) =>
    pieces.map((piece) => (typeof piece === "string" ? piece : "x")).join(""),
  );
  parseVirtualPath(`/${literalsOnly.join("/")}`);
  return { source, segments, keepsName: source.endsWith("/") };
}

/** Reads the new name of a file that stays in its folder. @throws FileError `invalid-argument`, `invalid-path`. */
export function parseNameTemplate(source: string, captureCount: number): DestinationTemplate {
  const template = parseDestinationTemplate(`/${source}`, captureCount);
  if (template.segments.length !== 1 || source.includes("/")) {
    throw new FileError("invalid-argument", "a new name is one name, without /");
  }
  return { ...template, source };
}

/**
 * The path that a template means. It lies in the folder that the template's own text names: a value that would lead
 * out of there, or make a folder more or fewer, is refused.
 * @throws FileError `invalid-path` that names the variable at fault.
 */
export function resolveTemplate(
  { segments, keepsName }: DestinationTemplate,
  values: TemplateValues,
  folder = "",
): VirtualPath {
  const names = segments.map((pieces) => nameFrom(pieces, values));
  return parseVirtualPath(`${folder}/${[...names, ...(keepsName ? [nameOf(values.path)] : [])].join("/")}`);
}

function segmentsIn(source: string, captureCount: number): Piece[][] {
  const segments: Piece[][] = [];
  for (const segment of splitAtSlashes(piecesOf(source, captureCount))) {
    const text = segment.length === 1 && typeof segment[0] === "string" ? segment[0] : undefined;
    if (segment.length === 0 || text === ".") continue;
    if (text === "..") segments.pop();
    else segments.push(segment);
  }
  return segments;
}

function splitAtSlashes(pieces: readonly Piece[]): Piece[][] {
  const segments: Piece[][] = [[]];
  for (const piece of pieces) {
    const [first = "", ...others] = typeof piece === "string" ? piece.split("/") : [piece];
    if (first !== "") segments.at(-1)?.push(first);
    for (const text of others) segments.push(text === "" ? [] : [text]);
  }
  return segments;
}

function piecesOf(source: string, captureCount: number): Piece[] {
  return [...source.matchAll(/\{([^{}]*)\}|([^{}]+)|[{}]/g)].flatMap(([whole, variable, text]): Piece[] => {
    if (text !== undefined) return [text];
    if (variable === undefined) throw new FileError("invalid-argument", `the ${whole} belongs to no variable`);
    return variablePieces(variable, captureCount);
  });
}

function variablePieces(name: string, captureCount: number): Piece[] {
  if (name.startsWith("time:")) return timePieces(name.slice("time:".length));
  if (/^[1-9]\d?$/.test(name)) return [capturePiece(name, captureCount)];
  const read = Object.hasOwn(variables, name) ? variables[name] : undefined;
  if (read) return [{ name, read }];
  const known = [...Object.keys(variables), "time:yyyy-MM-dd", "1"].map((one) => `{${one}}`).join(", ");
  throw new FileError("invalid-argument", `{${name}} stands for nothing; there are ${known}`);
}

function capturePiece(name: string, captureCount: number): Piece {
  if (Number(name) > captureCount) {
    const groups = captureCount === 1 ? "1 group" : `${captureCount} groups`;
    throw new FileError("invalid-argument", `{${name}} stands for nothing: the rule's path has ${groups} to capture`);
  }
  return { name, read: ({ captures }) => captures[Number(name) - 1] ?? "" };
}

function timePieces(format: string): Piece[] {
  const pieces = [...format.matchAll(/yyyy|MM|dd|HH|mm|ss|SSS|[^A-Za-z]+|./g)].map(([part]): Piece => {
    const place = instantParts[part];
    if (place) return { name: `time:${part}`, read: ({ time }) => time.slice(...place) };
    if (!/[A-Za-z]/.test(part)) return part;
    const known = Object.keys(instantParts).join(", ");
    throw new FileError("invalid-argument", `${part} is no part of a time; there are ${known}`);
  });
  if (pieces.length === 0) throw new FileError("invalid-argument", "{time:} lacks a form, such as {time:yyyy-MM-dd}");
  return pieces;
}

function nameFrom(pieces: readonly Piece[], values: TemplateValues): string {
  const name = pieces.map((piece) => (typeof piece === "string" ? piece : valueFor(piece, values))).join("");
  if (name !== "" && name !== "." && name !== "..") return name;
  const written = pieces.map((piece) => (typeof piece === "string" ? piece : `{${piece.name}}`)).join("");
  throw new FileError("invalid-path", `${written} would be ${name === "" ? "an empty name" : JSON.stringify(name)}`);
}

function valueFor({ name, read }: { name: string; read: Variable }, values: TemplateValues): string {
  const value = read(values);
  if (!value.includes("/") && !controlCharacter.test(value)) return value;
  throw new FileError("invalid-path", `the value of {${name}} could lead out of the folder`);
}
