import type { TransferFamilyAuthorizerEvent, TransferFamilyAuthorizerResult } from "aws-lambda";
import { type ManagedServer, managedAnswerOf } from "../../adapters/aws/transfer-family/answer.ts";
import { loginAtManagedServer } from "../../service/session/managed-login.ts";
import type { SessionServices } from "../../service/session/services.ts";

const protocols = { SFTP: "sftp", FTPS: "ftps", FTP: undefined } as const;

/**
 * Answers a managed server; `{}` refuses.
 * @param server undefined where no role for managed servers is configured
 */
export async function answerManagedServer(
  services: SessionServices,
  server: ManagedServer | undefined,
  { username, password, protocol: name, sourceIp, serverId }: TransferFamilyAuthorizerEvent,
): Promise<TransferFamilyAuthorizerResult> {
  const { log } = services.runtime;
  const protocol = protocols[name];
  if (!protocol || !server) {
    log.warn("a managed server is refused", { serverId, protocol: name, hasRole: server !== undefined });
    return {};
  }
  const peer = { address: sourceIp, port: 0 };
  const given = password === "" ? undefined : password;
  const account = await loginAtManagedServer(services, { username, password: given, protocol, peer });
  if (!account) return {};
  const method = given === undefined ? "public-key" : "password";
  const { result, warnings } = managedAnswerOf(account, method, server);
  if (warnings.length > 0) log.warn("a managed server allows less than the rules", { account: account.name, warnings });
  return result;
}
