import type { Account } from "../../core/account.ts";
import type { Credential } from "../../core/credential.ts";
import { limits } from "../../core/limits.ts";
import { evaluateLogin } from "../../core/login.ts";
import { utf8Length } from "../../core/virtual-path.ts";
import type { AuthenticationResult } from "../../ports/login-authority.ts";
import type { Connection } from "./connection.ts";
import type { EventContent } from "./recorder.ts";
import type { SessionServices } from "./services.ts";

const unknownPublicKey = "unknown-public-key";
/** The password was not looked at, because the network of the client has been wrong too often. */
export const tooManyRefused = "too-many-refused-logins";

/**
 * Checks a credential and then the account. The reason is for the accounting record: a client only ever hears that
 * authentication failed. Passwords are counted that were wrong, and not looked at where too many were; keys and
 * certificates cannot be guessed. @throws FileError `unavailable` when too many password checks wait.
 */
export async function authenticate(
  services: SessionServices,
  credential: Credential,
  connection: Pick<Connection, "peer" | "protocol">,
): Promise<AuthenticationResult> {
  if (credential.kind !== "password") return decide(services, credential, connection);
  const { address } = connection.peer;
  const check = () => checkPassword(services, credential, connection);
  return services.passwordTurns ? services.passwordTurns.pass(address, check) : check();
}

async function checkPassword(
  services: SessionServices,
  credential: Credential,
  connection: Pick<Connection, "peer" | "protocol">,
): Promise<AuthenticationResult> {
  const { address } = connection.peer;
  if ((await loginWaitMs(services, address)) > 0) return { ok: false, reason: tooManyRefused, account: undefined };
  const result = await decide(services, credential, connection);
  if (!result.ok) await services.failedLogins?.add(address, services.runtime.now());
  return result;
}

/** How long, in milliseconds, no password from this address is looked at; 0 when it is. */
export async function loginWaitMs({ failedLogins, runtime }: SessionServices, address: string): Promise<number> {
  return (await failedLogins?.waitMs(address, runtime.now())) ?? 0;
}

async function decide(
  services: SessionServices,
  credential: Credential,
  connection: Pick<Connection, "peer" | "protocol">,
): Promise<AuthenticationResult> {
  if (utf8Length(credential.username) > limits.loginNameBytes) {
    return { ok: false, reason: "user-name-too-long", account: undefined };
  }
  if (services.authority) return services.authority.authenticate(credential, connection);
  const found = await services.accounts.find(credential.username);
  if (services.external?.isAsking && isElsewhere(found)) {
    const verdict = await services.external.authenticate(credential, connection);
    return verdict.ok ? admitted(services, verdict.account, connection) : { ...verdict, account: undefined };
  }
  const account = isElsewhere(found) ? undefined : found;
  const refusal = await refusalOf(services, credential, account);
  if (refusal !== undefined || !account) return { ok: false, reason: refusal ?? "unknown-account", account };
  return admitted(services, account, connection);
}

/** Another system decides about every login of an account that is not on file here. */
function isElsewhere(account: Account | undefined): boolean {
  return account === undefined || account.external === true;
}

function admitted(
  { runtime }: SessionServices,
  account: Account,
  { peer }: Pick<Connection, "peer">,
): AuthenticationResult {
  const login = evaluateLogin(account, runtime.now(), peer.address);
  return login.ok ? { ok: true, account } : { ok: false, reason: login.reason, account };
}

/** Why the account would not accept this key, were its possession proven; undefined when it would (RFC 4252 §7). */
export async function publicKeyRefusal(
  services: SessionServices,
  offer: { readonly username: string; readonly blob: string },
  connection: Pick<Connection, "peer" | "protocol">,
): Promise<string | undefined> {
  if (services.authority) return services.authority.publicKeyRefusal(offer, connection);
  const account = await services.accounts.find(offer.username);
  if (services.external?.isAsking && isElsewhere(account)) {
    return (await services.external.acceptsPublicKey(offer, connection)) ? undefined : "refused-externally";
  }
  if (!account) return "unknown-account";
  const result = admitted(services, account, connection);
  if (!result.ok) return result.reason;
  return account.publicKeys.some((publicKey) => publicKey.blob === offer.blob) ? undefined : unknownPublicKey;
}

/**
 * The account that may log in with one of its keys, for a server that holds the signature against them itself. Keys
 * that only another system knows cannot be listed.
 */
export async function accountWithKeys(
  services: SessionServices,
  username: string,
  connection: Pick<Connection, "peer" | "protocol">,
): Promise<AuthenticationResult> {
  const isTooLong = utf8Length(username) > limits.loginNameBytes;
  const account = isTooLong ? undefined : await services.accounts.find(username);
  if (!account || account.external) {
    return { ok: false, reason: isTooLong ? "user-name-too-long" : "unknown-account", account: undefined };
  }
  if (account.publicKeys.length === 0) return { ok: false, reason: unknownPublicKey, account };
  return admitted(services, account, connection);
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
    : unknownPublicKey;
}

/** A name that is too long for any account goes on record in its beginning only. */
export function recordedName(username: string): string {
  if (utf8Length(username) <= limits.loginNameBytes) return username;
  return `${username.slice(0, limits.accountNameLength).toWellFormed()}…`;
}

/** What goes on record of a login; without a reason it succeeded. */
export function loginEvent(
  method: Credential["kind"],
  username: string,
  { reason, details }: { readonly reason?: string | undefined; readonly details?: unknown },
): EventContent {
  return reason === undefined
    ? { type: "authentication.succeeded", message: `${username} logged in`, data: { username, method } }
    : {
        type: "authentication.failed",
        message: `login of ${username} refused: ${reason}`,
        data: { username, method, reason, ...(details !== undefined && { external: details }) },
      };
}
