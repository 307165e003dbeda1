import type { Account } from "../core/account.ts";
import type { Peer, Protocol } from "../core/accounting-event.ts";
import type { Credential } from "../core/credential.ts";

/** Where a client comes in. */
export interface LoginOrigin {
  readonly peer: Peer;
  readonly protocol: Protocol;
}

/** What a login came to. The reason is for the record; a client only ever hears that authentication failed. */
export type AuthenticationResult =
  | { readonly ok: true; readonly account: Account }
  | {
      readonly ok: false;
      readonly reason: string;
      readonly account: Account | undefined;
      /** What another system said about its refusal. */
      readonly details?: Readonly<Record<string, unknown>> | undefined;
    };

/** Decides about logins where this process may not see accounts. Both methods throw FileError `unavailable`. */
export interface LoginAuthority {
  /** Whether the credential is good and the account may come in from there. */
  authenticate(credential: Credential, origin: LoginOrigin): Promise<AuthenticationResult>;
  /** Why the account would not accept this key, were its possession proven; undefined when it would. */
  publicKeyRefusal(
    offer: { readonly username: string; readonly blob: string },
    origin: LoginOrigin,
  ): Promise<string | undefined>;
}
