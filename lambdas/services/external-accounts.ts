import type { AuthenticationSettings } from "../../adapters/aws/authentication-settings.ts";
import { createSecretsClient } from "../../adapters/aws/clients.ts";
import type { DynamoAccountDirectory } from "../../adapters/aws/dynamo-account-directory.ts";
import type { DynamoTable } from "../../adapters/aws/dynamo-table.ts";
import { createDynamoVouchedAccounts } from "../../adapters/aws/dynamo-vouched-accounts.ts";
import { createSecretAuthentication } from "../../adapters/aws/secret-authentication.ts";
import { ExternalAccounts } from "../../service/session/external-accounts.ts";
import { runtime } from "./operator-log.ts";

export interface LoginsEnvironment {
  readonly serverName: string;
  readonly authentication?: AuthenticationSettings | undefined;
  readonly authenticationSecret?: string | undefined;
}

export interface ExternalAccountsEnvironment extends LoginsEnvironment {
  readonly table: DynamoTable;
  /** Those on file. */
  readonly accounts: DynamoAccountDirectory;
}

/**
 * The accounts on file and, behind them, those that the endpoint of the stage vouches for; what one function was told
 * of them the others find in the table. Undefined where the stage names no endpoint.
 */
export function openExternalAccounts(environment: ExternalAccountsEnvironment): ExternalAccounts | undefined {
  const { table, accounts, serverName, authentication, authenticationSecret } = environment;
  if (!authentication) return undefined;
  const { now, log } = runtime;
  const system = createSecretAuthentication({
    settings: authentication,
    client: createSecretsClient(),
    secretId: authenticationSecret,
    serverName,
    now,
    log,
  });
  return new ExternalAccounts({
    local: accounts,
    source: () => ({ system, defaultGroup: authentication.http.defaultGroup }),
    group: async (groupName, accountName) => (await accounts.findGroup(groupName))?.(accountName),
    memory: createDynamoVouchedAccounts(table),
    runtime,
  });
}
