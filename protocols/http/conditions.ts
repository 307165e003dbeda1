import { FileError } from "../../core/errors.ts";
import type { UploadOptions } from "../../service/session/upload.ts";

/** What a condition is held against: the version that is there. */
export interface Version {
  /** Without quotes. */
  readonly etag: string;
  readonly modifiedAtMs: number;
}

export type Verdict = "proceed" | "not-modified" | "precondition-failed";

/** What to do with a GET or HEAD, by its conditions in the order of RFC 9110 §13.2.2. */
export function evaluateConditions(headers: Headers, version: Version): Verdict {
  const ifMatch = headers.get("if-match");
  const unmodifiedSince = ifMatch === null ? dateOf(headers, "if-unmodified-since") : undefined;
  if (ifMatch !== null && !matchesStrongly(ifMatch, version.etag)) return "precondition-failed";
  if (unmodifiedSince !== undefined && seconds(version) > unmodifiedSince) return "precondition-failed";
  const ifNoneMatch = headers.get("if-none-match");
  const modifiedSince = ifNoneMatch === null ? dateOf(headers, "if-modified-since") : undefined;
  if (ifNoneMatch !== null && matchesWeakly(ifNoneMatch, version.etag)) return "not-modified";
  if (modifiedSince !== undefined && seconds(version) <= modifiedSince) return "not-modified";
  return "proceed";
}

/** Whether a Range is to be heeded (RFC 9110 §13.1.5): without If-Range, or when it names this version. */
export function heedsRange(headers: Headers, version: Version): boolean {
  const ifRange = headers.get("if-range");
  if (ifRange === null) return true;
  if (/^(W\/)?"/.test(ifRange.trim())) return matchesStrongly(ifRange, version.etag);
  return dateOf(headers, "if-range") === seconds(version);
}

/**
 * The conditions of an upload. `If-None-Match: *` is for a file that is not there yet; `If-Match` names the one version
 * that is replaced, or with `*` any. @throws FileError `invalid-argument` for others, since nobody would look at them.
 */
export function uploadConditions(headers: Headers): Pick<UploadOptions, "mode" | "mustExist" | "replacesEtag"> {
  const ifNoneMatch = headers.get("if-none-match")?.trim();
  const ifMatch = headers.get("if-match")?.trim();
  if (ifNoneMatch !== undefined && ifNoneMatch !== "*") {
    throw unusable("if-none-match", "an upload takes If-None-Match with * only");
  }
  if (headers.has("if-unmodified-since")) {
    throw unusable("if-unmodified-since", "an upload takes If-Match, not If-Unmodified-Since");
  }
  const [tag, ...more] = ifMatch === undefined || ifMatch === "*" ? [] : tagsOf(ifMatch);
  if (more.length > 0) throw unusable("if-match", "an upload takes If-Match with one ETag, or with *");
  return {
    mode: ifNoneMatch === "*" ? "create" : "replace",
    ...(ifMatch !== undefined && { mustExist: true }),
    ...(ifMatch !== undefined && ifMatch !== "*" && { replacesEtag: strongValue(tag ?? "") }),
  };
}

/** Without a failed condition for an error that only a condition can have caused (RFC 9110 §13.2.1). */
export function conditionFailed(
  error: unknown,
  { mode, mustExist }: Pick<UploadOptions, "mode" | "mustExist">,
): unknown {
  if (!(error instanceof FileError)) return error;
  const isFailed = (error.code === "already-exists" && mode === "create") || (error.code === "not-found" && mustExist);
  return isFailed ? new FileError("precondition-failed", error.message) : error;
}

/** True for `*` and for a list that has this ETag; weak ones name no version (RFC 9110 §8.8.3.2). */
export function matchesStrongly(list: string, etag: string): boolean {
  return list.trim() === "*" || tagsOf(list).some((tag) => strongValue(tag) === etag);
}

function matchesWeakly(list: string, etag: string): boolean {
  return list.trim() === "*" || tagsOf(list).some((tag) => strongValue(tag.replace(/^W\//, "")) === etag);
}

/** ETags have no quotes in them here, so a list may be parted at its commas. */
function tagsOf(list: string): string[] {
  return list
    .split(",")
    .map((tag) => tag.trim())
    .filter((tag) => tag !== "");
}

/** Clients take ETags out of JSON, where they have no quotes. A weak one stays as it is, and so equals none. */
function strongValue(tag: string): string {
  return /^"(?<value>[^"]*)"$/.exec(tag)?.groups?.value ?? tag;
}

/** In seconds, as HTTP writes dates; undefined for what is no date, which is ignored (RFC 9110 §13.1.3). */
function dateOf(headers: Headers, name: string): number | undefined {
  const timeMs = Date.parse(headers.get(name) ?? "");
  return Number.isNaN(timeMs) ? undefined : Math.floor(timeMs / 1000);
}

function seconds({ modifiedAtMs }: Version): number {
  return Math.floor(modifiedAtMs / 1000);
}

function unusable(field: string, message: string): FileError {
  return new FileError("invalid-argument", message, { field });
}
