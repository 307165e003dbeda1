import {
  type AuthenticationCall,
  type AuthenticationCallAnswer,
  type CalledCredential,
  toCalledAccount,
} from "../../adapters/aws/authentication-call.ts";
import { type Credential, ProvenCertificate, ProvenKey } from "../../core/credential.ts";
import { FileError } from "../../core/errors.ts";
import { authenticate, publicKeyRefusal } from "../../service/session/authenticate.ts";
import type { SessionServices } from "../../service/session/services.ts";

/**
 * Decides what the gateway asks, by the same rules as a server that has the accounts. @throws FileError `unavailable`
 */
export async function answerCall(
  services: SessionServices,
  call: AuthenticationCall,
): Promise<AuthenticationCallAnswer> {
  const { v, username } = call;
  if (call.ask === "account") {
    const account = await services.accounts.find(username);
    return account ? { v, ok: true, account: toCalledAccount(account) } : { v, ok: false, reason: "unknown-account" };
  }
  if (call.ask === "offer") {
    const reason = await publicKeyRefusal(services, call, call);
    return reason === undefined ? { v, ok: true } : { v, ok: false, reason };
  }
  const result = await authenticate(services, credentialOf(username, call.credential), call);
  const account = result.account && toCalledAccount(result.account);
  if (result.ok) return { v, ok: true, account };
  return { v, ok: false, reason: result.reason, account, details: result.details };
}

/** Only the gateway's role may call the function, and it has verified the signature or the TLS handshake. */
function credentialOf(username: string, { kind, ...called }: CalledCredential): Credential {
  const seen = () => true;
  if ("password" in called) return { kind: "password", username, password: called.password };
  if ("provenKey" in called) {
    const provenKey = ProvenKey.prove(called.provenKey, seen);
    if (provenKey) return { kind: "public-key", username, provenKey };
  } else {
    const provenCertificate = ProvenCertificate.prove(called.provenCertificate, seen);
    if (provenCertificate) return { kind: "client-certificate", username, provenCertificate };
  }
  throw new FileError("invalid-argument", `a ${kind} cannot be checked`);
}
