import type { Credential } from "../../core/credential.ts";
import { FileError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import { certificateProblemOf, provenCertificateOf } from "./client-certificate.ts";
import type { ClientState } from "./client-state.ts";
import { Refusal, type Reply } from "./replies.ts";

/**
 * USER. A verified client certificate whose common name is the account's logs in by itself (RFC 4217 §10.3: 232). For
 * any other a password is asked for, whether or not there is such an account, unless the listener takes none.
 */
export async function user(client: ClientState, username: string): Promise<Reply | undefined> {
  if (client.isLoggedIn) throw new Refusal(503, "You are logged in already.");
  client.username = undefined;
  const provenCertificate = client.tls && provenCertificateOf(client.tls);
  const { certificateRequired } = client.control;
  if (provenCertificate && (certificateRequired || provenCertificate.commonName === username)) {
    const isAccepted = await authenticate(client, { kind: "client-certificate", username, provenCertificate });
    return isAccepted ? { code: 232, text: `${username} is logged in by certificate.` } : refused(client);
  }
  const problem = client.tls && certificateProblemOf(client.tls);
  const remark = problem === undefined ? "" : `The client certificate is not accepted (${problem}). `;
  if (certificateRequired) throw new Refusal(530, `${remark}A login needs the certificate of its account.`);
  client.username = username;
  return { code: 331, text: `${remark}Send the password.` };
}

/** PASS (RFC 959 §4.1.1). Every refusal has the same text. @throws Refusal 503 without USER. */
export async function pass(client: ClientState, password: string | undefined): Promise<Reply | undefined> {
  if (client.isLoggedIn) throw new Refusal(503, "You are logged in already.");
  const { username } = client;
  if (username === undefined) throw new Refusal(503, "Send USER first.");
  client.username = undefined;
  const isAccepted = await authenticate(client, { kind: "password", username, password: password ?? "" });
  return isAccepted ? { code: 230, text: `${username} is logged in.` } : refused(client);
}

function refused(client: ClientState): Reply | undefined {
  client.failedLogins += 1;
  if (client.failedLogins < limits.authenticationAttempts) return { code: 530, text: "Login refused." };
  client.control.end("protocol-error", { code: 421, text: "Too many refused logins." });
  return undefined;
}

async function authenticate(client: ClientState, credential: Credential): Promise<boolean> {
  try {
    return await client.session.authenticate(credential);
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    client.control.end("protocol-error", { code: 421, text: "No login is possible at the moment; try again later." });
    return false;
  }
}

/** QUIT. It waits for a transfer under way, like every command that is not for use during one. */
export async function quit(client: ClientState): Promise<undefined> {
  client.control.end("user-request", { code: 221, text: "Goodbye." });
}
