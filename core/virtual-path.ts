import { FileError } from "./errors.ts";
import { limits } from "./limits.ts";

declare const virtualPathBrand: unique symbol;

/**
 * The absolute path that a client sees: `/`, or `/` and segments joined by `/`, with no empty segment, no `.`
 * and no `..`. Authorization, accounting and the store all take this one type, and only this file makes it, so
 * two readings of one path cannot disagree. Names keep the Unicode form that the client sent.
 */
export type VirtualPath = string & { readonly [virtualPathBrand]: true };

export const rootPath = "/" as VirtualPath;

// Control characters (NUL, the other C0, DEL, C1) have no place in a name that logs and listings show.
const controlCharacter = /\p{Cc}/u;

/**
 * Reads a path as a client wrote it, relative to `base`. `.` and `..` are resolved; `..` at the root stays there.
 * @throws FileError `invalid-path` for NUL and control characters, text that is not well-formed Unicode, and
 * names, depths and paths over the limits.
 */
export function parseVirtualPath(raw: string, base: VirtualPath = rootPath): VirtualPath {
  if (raw.length > 4 * limits.pathBytes) throw new FileError("invalid-path", "the path is too long");
  if (controlCharacter.test(raw)) throw new FileError("invalid-path", "the path has a control character");
  if (!raw.isWellFormed()) throw new FileError("invalid-path", "the path is not well-formed Unicode");
  const segments = raw.startsWith("/") ? [] : segmentsOf(base);
  for (const segment of raw.split("/")) {
    if (segment === "" || segment === ".") continue;
    if (segment === "..") segments.pop();
    else segments.push(segment);
  }
  return checked(segments);
}

/** The path of `name` in the folder `parent`. @throws FileError `invalid-path` as {@link parseVirtualPath}. */
export function childPath(parent: VirtualPath, name: string): VirtualPath {
  if (name === "" || name === "." || name === ".." || name.includes("/")) {
    throw new FileError("invalid-path", "the name is not a single path segment");
  }
  return parseVirtualPath(name, parent);
}

/** The names in the path, from the root down; none for the root. */
export function segmentsOf(path: VirtualPath): string[] {
  return path === rootPath ? [] : path.slice(1).split("/");
}

/** The last segment; empty for the root. */
export function nameOf(path: VirtualPath): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** The folder that holds `path`; the root is its own parent. */
export function parentOf(path: VirtualPath): VirtualPath {
  const end = path.lastIndexOf("/");
  return end <= 0 ? rootPath : (path.slice(0, end) as VirtualPath);
}

/** True when `path` is `folder` or lies below it, compared by whole segments: `/share2` is not inside `/share`. */
export function isWithin(path: VirtualPath, folder: VirtualPath): boolean {
  return folder === rootPath || path === folder || path.startsWith(`${folder}/`);
}

function checked(segments: readonly string[]): VirtualPath {
  if (segments.length > limits.pathDepth) {
    throw new FileError("invalid-path", `the path has more than ${limits.pathDepth} levels`);
  }
  for (const segment of segments) {
    if (utf8Length(segment) > limits.pathSegmentBytes) {
      throw new FileError("invalid-path", `a name in the path is over ${limits.pathSegmentBytes} bytes`);
    }
  }
  const path = `/${segments.join("/")}`;
  if (utf8Length(path) > limits.pathBytes) {
    throw new FileError("invalid-path", `the path is over ${limits.pathBytes} bytes`);
  }
  return path as VirtualPath;
}

/** How many bytes the text takes in UTF-8. */
export function utf8Length(text: string): number {
  let length = 0;
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    length += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  }
  return length;
}
