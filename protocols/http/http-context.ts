import type { Context } from "hono";
import type { Peer } from "../../core/accounting-event.ts";

/** What hono carries along with a request. */
export interface HttpEnvironment {
  readonly Bindings: { readonly peer: Peer };
  readonly Variables: { sessionId: string | undefined };
}

export type HttpContext = Context<HttpEnvironment>;
