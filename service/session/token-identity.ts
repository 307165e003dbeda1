import type { Account } from "../../core/account.ts";
import { apiTokenPrefix, type Scope } from "../../core/api-token.ts";
import { evaluateLogin } from "../../core/login.ts";
import type { AccountDirectory } from "../../ports/account-directory.ts";
import type { ApiTokenMint, ApiTokenStore } from "../../ports/api-tokens.ts";
import type { Runtime } from "../../ports/runtime.ts";
import type { TokenSessionStore, TokenSigner } from "../../ports/session-tokens.ts";
import { credentialsVersionOf } from "./token-sessions.ts";

export interface TokenIdentity {
  readonly account: Account;
  /** What an API token is limited to. */
  readonly scopes?: readonly Scope[] | undefined;
}

/** Whose token it is; undefined when the token is not, or no longer, good, or its account may not come from there. */
export type IdentifyToken = (token: string, peerAddress: string) => Promise<TokenIdentity | undefined>;

export interface TokenIdentityServices {
  readonly accounts: AccountDirectory;
  readonly runtime: Pick<Runtime, "now" | "sha256">;
  readonly sessions: Pick<TokenSessionStore, "find">;
  readonly signer: Pick<TokenSigner, "verify">;
  readonly apiTokens: Pick<ApiTokenStore, "find">;
  readonly mint: Pick<ApiTokenMint, "digestOf">;
}

/** For those who only look: no session goes on or ends because of it, and nothing is put on record. */
export function createTokenIdentifier(services: TokenIdentityServices): IdentifyToken {
  return async (token, peerAddress) => {
    const identity = token.startsWith(apiTokenPrefix)
      ? await byApiToken(services, token)
      : await bySessionToken(services, token);
    if (!identity) return undefined;
    return evaluateLogin(identity.account, services.runtime.now(), peerAddress).ok ? identity : undefined;
  };
}

async function bySessionToken(services: TokenIdentityServices, token: string): Promise<TokenIdentity | undefined> {
  const { signer, sessions, accounts, runtime } = services;
  const sessionId = await signer.verify(token);
  const held = sessionId === undefined ? undefined : await sessions.find(sessionId);
  if (!held || runtime.now() >= held.expiresAtMs) return undefined;
  const account = await accounts.find(held.accountName);
  return account && credentialsVersionOf(runtime, account) === held.credentialsVersion ? { account } : undefined;
}

async function byApiToken(services: TokenIdentityServices, token: string): Promise<TokenIdentity | undefined> {
  const { mint, apiTokens, accounts, runtime } = services;
  const digest = mint.digestOf(token);
  const held = digest === undefined ? undefined : await apiTokens.find({ digest });
  if (!held || runtime.now() >= held.expiresAtMs) return undefined;
  const account = await accounts.find(held.accountName);
  return account && account.external !== true ? { account, scopes: held.scopes } : undefined;
}
