import type { limits } from "../../core/limits.ts";
import type { Session } from "../../service/session/session.ts";
import type { HandleTable } from "./handles.ts";
import type { PacketMemory } from "./packet-memory.ts";
import type { RequestKind, RequestOf } from "./requests.ts";

/** The limits in force: those of core/limits.ts, unless a test makes some smaller. */
export type SftpLimits = { readonly [Name in keyof typeof limits]: number };

/** What answering a request needs: the pipeline, and what is open on this channel. */
export interface RequestContext {
  readonly session: Session;
  readonly handles: HandleTable;
  readonly limits: SftpLimits;
  /** For large replies; the channel releases it. */
  readonly memory: PacketMemory;
}

/** Answers one kind of request with a whole reply packet. @throws FileError for expected failures. */
export type Answer<Kind extends RequestKind> = (
  request: RequestOf<Kind>,
  context: RequestContext,
) => Promise<Buffer> | Buffer;
