import type { Claim } from "./request-order.ts";
import type { Request } from "./requests.ts";

/** The lane of what paths show; see {@link claimsOf}. */
const names = "names";
const namesShared: readonly Claim[] = [{ lane: names, exclusive: false }];
const namesExclusive: readonly Claim[] = [{ lane: names, exclusive: true }];
const nothing: readonly Claim[] = [];

const laneOf = (handle: string) => `handle ${handle}`;

/**
 * What a request must not overtake, so that pipelined requests do what they would do one by one. Requests on a handle
 * keep their order, except that reads and writes overlap. Requests on paths see what came before them: they share the
 * lane of names, and those that change what paths show, CLOSE among them, have it for themselves.
 */
export function claimsOf(request: Request): readonly Claim[] {
  switch (request.kind) {
    case "read":
    case "write":
      return [{ lane: laneOf(request.handle), exclusive: false }];
    case "fstat":
    case "readdir":
    case "fsync":
    case "fstatvfs":
    case "check-file-handle":
      return [{ lane: laneOf(request.handle), exclusive: true }];
    case "close":
    case "fsetstat":
      return [{ lane: laneOf(request.handle), exclusive: true }, ...namesExclusive];
    case "copy-data":
      return [...new Set([request.handle, request.targetHandle])].map((handle) => ({
        lane: laneOf(handle),
        exclusive: true,
      }));
    case "open":
    case "opendir":
    case "stat":
    case "statvfs":
    case "check-file-name":
      return namesShared;
    case "setstat":
    case "remove":
    case "mkdir":
    case "rmdir":
    case "rename":
      return namesExclusive;
    default:
      return nothing;
  }
}
