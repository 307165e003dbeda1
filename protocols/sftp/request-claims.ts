import { FileError } from "../../core/errors.ts";
import { parseVirtualPath, type VirtualPath } from "../../core/virtual-path.ts";
import { opensUpload } from "./file-requests.ts";
import type { HandleTable } from "./handles.ts";
import type { Claim } from "./request-order.ts";
import type { Request } from "./requests.ts";

/** The lane of the tree as a whole: folders, and which names there are. */
const tree = "tree";
const nothing: readonly Claim[] = [];
const wholeTree: readonly Claim[] = [{ lane: tree, exclusive: true }];

/**
 * What a request must not overtake, so that pipelined requests do what they would do one by one, and those that have
 * nothing to do with each other need not wait. Requests on a handle keep their order, except that reads and writes
 * overlap. A path shows what came before: OPEN for writing shows it to this client, CLOSE publishes it, and what moves,
 * removes, makes or lists waits for everything that was asked about any path, and is waited for.
 */
export function claimsOf(request: Request, handles: HandleTable): readonly Claim[] {
  switch (request.kind) {
    case "read":
    case "write":
      return [onHandle(request.handle, false)];
    case "fstat":
    case "readdir":
    case "fsync":
    case "fstatvfs":
    case "check-file-handle":
      return [onHandle(request.handle, true)];
    case "close":
    case "fsetstat":
      return [onHandle(request.handle, true), ...onPath(handles.pathOf(request.handle), true)];
    case "copy-data":
      return [...new Set([request.handle, request.targetHandle])].map((handle) => onHandle(handle, true));
    case "open":
      return onPath(request.path, opensUpload(request.flags));
    case "stat":
    case "statvfs":
    case "check-file-name":
      return onPath(request.path, false);
    case "setstat":
      return [...onPath(request.path, true), ...onUploadTo(request.path, handles)];
    case "opendir":
    case "remove":
    case "mkdir":
    case "rmdir":
    case "rename":
      return wholeTree;
    default:
      return nothing;
  }
}

function onHandle(handle: string, exclusive: boolean): Claim {
  return { lane: `handle ${handle}`, exclusive };
}

function onPath(rawPath: string | undefined, exclusive: boolean): readonly Claim[] {
  const path = parsed(rawPath);
  if (path === undefined) return nothing;
  return [
    { lane: tree, exclusive: false },
    { lane: `path ${path}`, exclusive },
  ];
}

/** A SETSTAT of the file that this client writes is about its upload. */
function onUploadTo(rawPath: string, handles: HandleTable): readonly Claim[] {
  const path = parsed(rawPath);
  const handle = path && handles.uploadHandle(path);
  return handle === undefined ? nothing : [onHandle(handle, true)];
}

/** Undefined for a path that cannot be: the request will fail, whatever it overtakes. */
function parsed(rawPath: string | undefined): VirtualPath | undefined {
  if (rawPath === undefined) return undefined;
  try {
    return parseVirtualPath(rawPath);
  } catch (error) {
    if (error instanceof FileError) return undefined;
    throw error;
  }
}
