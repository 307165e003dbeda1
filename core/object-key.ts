import { FileError } from "./errors.ts";
import { limits } from "./limits.ts";
import { utf8Length } from "./virtual-path.ts";

const controlCharacter = /\p{Cc}/u;

/**
 * The segments of an objectKey such as `acme/inbox/a.pdf`, from the root down; none for the root, which is the
 * empty string. @throws FileError `invalid-path` for a key over limits.objectKeyBytes or with a segment that is not
 * an {@link isObjectName object name}.
 */
export function objectKeySegments(objectKey: string): readonly string[] {
  if (objectKey === "") return [];
  if (objectKey.length > limits.objectKeyBytes || utf8Length(objectKey) > limits.objectKeyBytes) {
    throw new FileError("invalid-path", "the path is too long for the store");
  }
  const segments = objectKey.split("/");
  if (!segments.every(isObjectName)) throw new FileError("invalid-path", "the path has a name that the store refuses");
  return segments;
}

/**
 * True for what may be one segment of an objectKey: well-formed Unicode of 1 to limits.pathSegmentBytes bytes,
 * without `/` and control characters, and neither `.` nor `..`.
 */
export function isObjectName(name: string): boolean {
  if (name === "" || name === "." || name === ".." || name.length > limits.pathSegmentBytes) return false;
  if (name.includes("/") || controlCharacter.test(name) || !name.isWellFormed()) return false;
  return utf8Length(name) <= limits.pathSegmentBytes;
}

/**
 * Where a name stands in the listing of its folder: sorted by bytes, as S3 sorts, for which a folder `a` is what all of
 * `a/…` have in common. So `a.txt` comes before the folder `a`, and the folder before `a0`.
 */
export function listingPosition({
  name,
  type,
}: {
  readonly name: string;
  readonly type: "file" | "directory";
}): string {
  return type === "directory" ? `${name}/` : name;
}

/** True for what {@link listingPosition} may answer. */
export function isListingPosition(position: string): boolean {
  return isObjectName(position.endsWith("/") ? position.slice(0, -1) : position);
}

/** Sorts names by the bytes of their UTF-8, which is S3's order; well-formed text only. */
export function compareByBytes(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let index = 0; index < length; index += 1) {
    const difference = codePointRank(left.charCodeAt(index)) - codePointRank(right.charCodeAt(index));
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

/** UTF-8 sorts by code point, where the characters that UTF-16 writes as surrogates come after all others. */
function codePointRank(codeUnit: number): number {
  const isSurrogate = codeUnit >= 0xd800 && codeUnit <= 0xdfff;
  return isSurrogate ? codeUnit + 0x10000 : codeUnit;
}
