import { FileError } from "../../core/errors.ts";
import { objectKeySegments } from "../../core/object-key.ts";

// Windows reads these characters as separators, drives and streams, opens devices by these names, and drops dots and
// spaces at the end: each of them could make two keys meet in one file, or leave the tree.
const refusedOnWindows = /[\\:*?"<>|]|[. ]$|^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i;

/** Where an object lies: the folders from the root down to its parent, and its name in there. */
export interface Place {
  readonly folders: readonly string[];
  readonly name: string;
}

/**
 * The segments of an objectKey as folders and files of this machine.
 * @throws FileError `invalid-path` for what is no objectKey, and for names that `platform` would not take as they are.
 */
export function localSegments(objectKey: string, platform: string = process.platform): readonly string[] {
  const segments = objectKeySegments(objectKey);
  if (platform === "win32" && segments.some((segment) => refusedOnWindows.test(segment))) {
    throw new FileError("invalid-path", "the path has a name that Windows refuses");
  }
  return segments;
}

/** The place of any object but the root, for which the answer is undefined. @throws FileError `invalid-path`. */
export function placeOf(objectKey: string): Place | undefined {
  const segments = localSegments(objectKey);
  const name = segments.at(-1);
  return name === undefined ? undefined : { folders: segments.slice(0, -1), name };
}
