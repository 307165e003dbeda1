import type { Context } from "hono";
import type { Peer } from "../../core/accounting-event.ts";

/** Told of what goes on after the answer, for a caller that has to see its end. It does not reject. */
export type WaitUntil = (work: Promise<unknown>) => void;

/** What hono carries along with a request. */
export interface HttpEnvironment {
  readonly Bindings: { readonly peer: Peer; readonly waitUntil: WaitUntil };
  readonly Variables: { sessionId: string | undefined };
}

export type HttpContext = Context<HttpEnvironment>;
