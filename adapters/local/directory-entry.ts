import { hash } from "node:crypto";
import type { BigIntStats } from "node:fs";
import type { StoredEntry } from "../../ports/object-store.ts";

const nanosecondsPerMillisecond = 1e6;

/** What clients see of a file or folder. Undefined for links, sockets and devices: for clients they are not there. */
export function entryOf(stats: BigIntStats): StoredEntry | undefined {
  if (stats.isDirectory()) return { type: "directory", size: 0, modifiedAtMs: modifiedAtMsOf(stats), etag: "" };
  return stats.isFile() ? fileEntryOf(stats) : undefined;
}

/** {@link entryOf} a regular file. */
export function fileEntryOf(stats: BigIntStats): StoredEntry {
  return { type: "file", size: Number(stats.size), modifiedAtMs: modifiedAtMsOf(stats), etag: etagOf(stats) };
}

/** Rounded, because a time set in milliseconds passes through seconds in floating point. */
function modifiedAtMsOf({ mtimeNs }: BigIntStats): number {
  return Math.round(Number(mtimeNs) / nanosecondsPerMillisecond);
}

/**
 * The version of a file: which inode it is and when that was last changed. The operating system alone sets `ctime`,
 * so a file rewritten in place has another etag even when its old modification time is put back. Renaming, or setting
 * a file's times or mode, gives it another one too. Hashed, because inode numbers are nobody's business.
 */
function etagOf({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return hash("sha256", `${dev}.${ino}.${size}.${mtimeNs}.${ctimeNs}`).slice(0, 32);
}
