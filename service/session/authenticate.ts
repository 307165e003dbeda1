import type { Account } from "../../core/account.ts";
import type { Credential } from "../../core/credential.ts";
import { evaluateLogin } from "../../core/login.ts";
import type { SessionServices } from "./services.ts";

export type AuthenticationResult =
  | { readonly ok: true; readonly account: Account }
  | { readonly ok: false; readonly reason: string; readonly account: Account | undefined };

/**
 * Checks a credential and then the account. The reason is for the accounting record: a client only ever hears that
 * authentication failed. @throws FileError `unavailable` when too many password checks wait.
 */
export async function authenticate(
  services: SessionServices,
  credential: Credential,
  peerAddress: string,
): Promise<AuthenticationResult> {
  const account = await services.accounts.find(credential.username);
  const refusal = await refusalOf(services, credential, account);
  if (refusal !== undefined || !account) return { ok: false, reason: refusal ?? "unknown-account", account };
  const login = evaluateLogin(account, services.runtime.now(), peerAddress);
  return login.ok ? { ok: true, account } : { ok: false, reason: login.reason, account };
}

/** True when the account would accept this key, were its possession proven (RFC 4252 §7, PK_OK). */
export async function acceptsPublicKey(
  services: SessionServices,
  offer: { readonly username: string; readonly blob: string },
  peerAddress: string,
): Promise<boolean> {
  const account = await services.accounts.find(offer.username);
  if (!account || !evaluateLogin(account, services.runtime.now(), peerAddress).ok) return false;
  return account.publicKeys.some((publicKey) => publicKey.blob === offer.blob);
}

async function refusalOf(
  { passwords }: SessionServices,
  credential: Credential,
  account: Account | undefined,
): Promise<string | undefined> {
  if (credential.kind === "password") {
    // The same work for an unknown name, so that time does not tell which names exist.
    const matches = await passwords.verify(credential.password, account?.passwordHash);
    if (!account) return "unknown-account";
    return matches ? undefined : "wrong-password";
  }
  if (!account) return "unknown-account";
  if (credential.kind === "client-certificate") {
    return credential.provenCertificate.commonName === account.name ? undefined : "certificate-of-another-name";
  }
  return account.publicKeys.some((publicKey) => publicKey.blob === credential.provenKey.blob)
    ? undefined
    : "unknown-public-key";
}
