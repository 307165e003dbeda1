import { FileError } from "./errors.ts";
import { limits } from "./limits.ts";
import { utf8Length } from "./virtual-path.ts";

const controlCharacter = /\p{Cc}/u;

/** What an archive holds under one name. Only files and folders come out of one. */
export type ArchiveEntryType = "file" | "directory" | "link" | "special";

/**
 * The names of one archive, as they come. A name that could get out of the folder that the archive is extracted to is
 * refused, and so is one that another would be taken for somewhere.
 */
export class ArchiveNames {
  /** What has each name: by the name as a file system that does not tell case or Unicode forms apart has it. */
  readonly #taken = new Map<string, { readonly name: string; readonly isDirectory: boolean; isWritten: boolean }>();
  #count = 0;

  /**
   * The segments of the entry's path below the folder.
   * @throws FileError `too-large` for too many entries; `invalid-path` that names the entry and the rule
   */
  add(name: string, type: ArchiveEntryType): readonly string[] {
    this.#count += 1;
    if (this.#count > limits.archiveEntries) {
      throw new FileError("too-large", `the archive has more than ${limits.archiveEntries} entries`);
    }
    if (type !== "file" && type !== "directory")
      throw refused(name, `a ${kinds[type]} does not come out of an archive`);
    const segments = archiveSegments(name, type === "directory");
    for (let depth = 1; depth < segments.length; depth += 1) this.#claim(name, segments.slice(0, depth), "parent");
    this.#claim(name, segments, type);
    return segments;
  }

  #claim(entryName: string, segments: readonly string[], as: "parent" | "file" | "directory"): void {
    const path = segments.join("/");
    const folded = path.normalize("NFC").toLowerCase();
    const other = this.#taken.get(folded);
    if (!other) this.#taken.set(folded, { name: path, isDirectory: as !== "file", isWritten: as !== "parent" });
    else if (other.name !== path) {
      throw refused(entryName, `it differs from ${quoted(other.name)} by case or Unicode form only`);
    } else if (other.isDirectory !== (as !== "file")) {
      throw refused(entryName, `${quoted(path)} is a file and a folder`);
    } else if (as !== "parent") {
      if (other.isWritten) throw refused(entryName, "the name is there twice");
      other.isWritten = true;
    }
  }
}

const kinds = { link: "link", special: "device or other special file" } as const;

function archiveSegments(written: string, isDirectory: boolean): readonly string[] {
  const name = written.replace(/^(?:\.\/)+/, "").replace(isDirectory ? /\/$/ : "", "");
  if (isDirectory && (name === "" || name === ".")) return [];
  const rule = brokenRule(name);
  if (rule !== undefined) throw refused(written, rule);
  return name.split("/");
}

function brokenRule(name: string): string | undefined {
  if (!name.isWellFormed() || name.includes("\ufffd")) return "the name is not Unicode";
  if (controlCharacter.test(name)) return "the name has a control character";
  if (name.includes("\\")) return "the name has a backslash";
  if (name.startsWith("/")) return "the name is an absolute path";
  if (/^[A-Za-z]:/.test(name)) return "the name begins with a drive letter";
  const segments = name.split("/");
  if (segments.includes("..")) return "the name leads out of the folder (..)";
  if (segments.includes("") || segments.includes(".")) return "the name has an empty part or . in it";
  if (segments.length > limits.archiveDepth) return `the name is more than ${limits.archiveDepth} folders deep`;
  const isLong = segments.some((segment) => utf8Length(segment) > limits.pathSegmentBytes);
  return isLong ? `a part of the name has more than ${limits.pathSegmentBytes} bytes` : undefined;
}

function refused(name: string, rule: string): FileError {
  return new FileError("invalid-path", `the archive is refused: entry ${quoted(name)}: ${rule}`);
}

function quoted(name: string): string {
  return JSON.stringify(name.length > limits.archiveShownName ? `${name.slice(0, limits.archiveShownName)}…` : name);
}
