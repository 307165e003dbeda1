import type { Account } from "../../core/account.ts";
import type { Peer } from "../../core/accounting-event.ts";
import type { AuthenticationResult } from "../../ports/login-authority.ts";
import { accountWithKeys, authenticate, loginEvent, recordedName } from "./authenticate.ts";
import { Recorder } from "./recorder.ts";
import type { SessionServices } from "./services.ts";

/** A login at a server that somebody else runs, and that asks who may come in. */
export interface ManagedLogin {
  readonly username: string;
  /** Undefined when the client wants to prove that it has a key: the server verifies the signature itself. */
  readonly password: string | undefined;
  readonly protocol: "sftp" | "ftps";
  readonly peer: Peer;
}

/**
 * The account, when it may log in: with this password, or with one of its keys, which the server has yet to see
 * proven. Refusals go on record, and logins with a password; that a key was accepted is known to the server alone.
 * @throws FileError `unavailable`
 */
export async function loginAtManagedServer(
  services: SessionServices,
  { username, password, protocol, peer }: ManagedLogin,
): Promise<Account | undefined> {
  const connection = { peer, protocol };
  const [method, result]: readonly ["password" | "public-key", AuthenticationResult] =
    password === undefined
      ? ["public-key", await accountWithKeys(services, username, connection)]
      : ["password", await authenticate(services, { kind: "password", username, password }, connection)];
  const { account } = result;
  if (result.ok && method === "public-key") return result.account;
  const recorder = new Recorder(services, { protocol, peer });
  recorder.account = account && { name: account.name, groups: account.groups.map(({ name }) => name) };
  await recorder.record(loginEvent(method, recordedName(username), result.ok ? {} : result));
  return result.ok ? result.account : undefined;
}
