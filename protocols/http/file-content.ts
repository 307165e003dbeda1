import { FileError } from "../../core/errors.ts";
import { nameOf, parseVirtualPath } from "../../core/virtual-path.ts";
import type { Download } from "../../service/session/download.ts";
import type { Session } from "../../service/session/session.ts";
import { protectiveHeaders } from "./answer.ts";
import { type ByteRange, parseByteRange } from "./byte-range.ts";
import { evaluateConditions, heedsRange, type Version } from "./conditions.ts";
import { attachment } from "./content-disposition.ts";
import { streamOf } from "./file-stream.ts";
import type { Reply } from "./operation.ts";
import { RequestError } from "./request-error.ts";

interface FileVersion extends Version {
  readonly size: number;
}

/** What is to be sent of a file. */
type Selection = { readonly kind: "not-modified" } | ({ readonly kind: "whole" | "part" } & ByteRange);

/** GET of a file: its content as a download, or 304, 412 or 416 without one. */
export async function sendFile(session: Session, path: string, request: Request): Promise<Reply> {
  let seen: FileVersion | undefined;
  const download = await session.downloadIf(path, (entry) => {
    seen = entry;
    return select(request.headers, entry).kind !== "not-modified";
  });
  if (!download) return notModified(seen as FileVersion);
  const selection = select(request.headers, download.entry);
  return selection.kind === "not-modified" ? notModified(download.entry) : sent(download, nameIn(path), selection);
}

/**
 * The same for a file that is open already. @param begin gives the download, where there is anything to send
 * @throws FileError `precondition-failed`, RequestError `range-not-satisfiable`: nothing has begun then
 */
export function sendOpened(
  version: FileVersion,
  { name, headers, begin }: { readonly name: string; readonly headers: Headers; readonly begin: () => Download },
): Reply | undefined {
  const selection = select(headers, version);
  return selection.kind === "not-modified" ? undefined : sent(begin(), name, selection);
}

/** HEAD of a file: what GET would say about it, from its attributes alone. */
export async function describeFile(session: Session, path: string, request: Request): Promise<Response> {
  const entry = await session.stat(path);
  if (entry.type === "directory") throw isFolder(path);
  const selection = select(request.headers, entry);
  if (selection.kind === "not-modified") return notModified(entry);
  return new Response(null, responseTo(nameIn(path), entry, selection));
}

/** A folder where a file was asked for; the message says how to ask for the folder. */
export function isFolder(path: string): FileError {
  return new FileError("not-a-file", `${path} is a folder; with a / behind it, the path means its entries`);
}

function nameIn(path: string): string {
  return nameOf(parseVirtualPath(path));
}

function sent(download: Download, name: string, selection: Selection & ByteRange): Reply {
  const { content, finished } = streamOf(download, selection);
  return { response: new Response(content, responseTo(name, download.entry, selection)), finished };
}

/** @throws FileError `precondition-failed`, RequestError `range-not-satisfiable` */
function select(headers: Headers, version: FileVersion): Selection {
  const verdict = evaluateConditions(headers, version);
  if (verdict === "not-modified") return { kind: "not-modified" };
  if (verdict === "precondition-failed") {
    throw new FileError("precondition-failed", "the file is not the version that the request names");
  }
  const range = headers.get("range");
  const selected = range !== null && heedsRange(headers, version) ? parseByteRange(range, version.size) : undefined;
  if (selected === "unsatisfiable") {
    const contentRange = { "content-range": `bytes */${version.size}` };
    throw new RequestError("range-not-satisfiable", `the file has ${version.size} bytes`, contentRange);
  }
  return selected ? { kind: "part", ...selected } : { kind: "whole", start: 0, end: version.size };
}

function responseTo(name: string, version: FileVersion, { kind, start, end }: Selection & ByteRange): ResponseInit {
  const partial = kind === "part" && { "content-range": `bytes ${start}-${end - 1}/${version.size}` };
  return {
    status: kind === "part" ? 206 : 200,
    headers: {
      ...versionHeaders(version),
      "content-type": "application/octet-stream",
      "content-length": `${end - start}`,
      "content-disposition": attachment(name),
      ...partial,
    },
  };
}

export function notModified(version: Version): Response {
  return new Response(null, { status: 304, headers: versionHeaders(version) });
}

/** Kept by nobody without asking whether it is still the same (RFC 9111 §5.2.2.4). */
function versionHeaders({ etag, modifiedAtMs }: Version): Record<string, string> {
  return {
    ...protectiveHeaders,
    "cache-control": "private, no-cache",
    "accept-ranges": "bytes",
    etag: `"${etag}"`,
    "last-modified": new Date(modifiedAtMs).toUTCString(),
  };
}
