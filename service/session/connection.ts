import type { Account } from "../../core/account.ts";
import type { Peer, Protocol } from "../../core/accounting-event.ts";
import type { Scope } from "../../core/api-token.ts";

/** What a protocol knows of a client before it says who it is. */
export interface Connection {
  readonly protocol: Exclude<Protocol, "system">;
  readonly peer: Peer;
  /** The client's own words about itself, such as its SSH identification string. */
  readonly clientVersion?: string | undefined;
  /** Called when the pipeline ends the session from its side: the protocol closes the connection. */
  readonly disconnect: (reason: string) => void;
}

/** A session that a client goes on with, after it proved that it is the one that logged in. */
export interface ResumedSession {
  readonly sessionId: string;
  readonly account: Account;
  readonly startedAtMs: number;
  /** What it is limited to besides its account's permissions. */
  readonly scopes?: readonly Scope[];
  /** Asked from time to time: false ends what the session is doing. */
  readonly isGranted?: () => Promise<boolean>;
}
