import type { Peer, Protocol } from "../core/accounting-event.ts";
import type { ExternalAccount } from "../core/external-account.ts";

/** A credential as another system judges it. */
export interface AuthenticationQuestion {
  readonly username: string;
  /**
   * `password`: the password. `public-key`: the wire form in base64 of a key, which is proven before anybody is logged
   * in with it. `client-certificate`: a proven certificate, PEM.
   */
  readonly kind: "password" | "public-key" | "client-certificate";
  readonly content: string;
  readonly peer: Peer;
  readonly protocol: Exclude<Protocol, "system">;
}

export type AuthenticationAnswer =
  | { readonly verdict: "accepted"; readonly account: ExternalAccount }
  /** The system does not know the name or does not vouch for it. */
  | { readonly verdict: "unknown" }
  /** `reason` names what happened, `details` is what the system said about it, without secrets; both for the record. */
  | { readonly verdict: "refused"; readonly reason: string; readonly details?: Readonly<Record<string, unknown>> };

/** A system that knows accounts which are not on file here. */
export interface ExternalAuthentication {
  /**
   * No answer, and one that is none, is a refusal and no error.
   * @throws FileError `unavailable` when too many questions wait.
   */
  ask(question: AuthenticationQuestion): Promise<AuthenticationAnswer>;
}
