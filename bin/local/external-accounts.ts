import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { openSqliteVouchedAccounts } from "../../adapters/local/sqlite-vouched-accounts.ts";
import type { HttpAuthenticationConfiguration } from "../../adapters/node/configuration/configuration.ts";
import type { ConfigurationAccounts } from "../../adapters/node/configuration/configuration-accounts.ts";
import { createHttpAuthentication } from "../../adapters/node/http-authentication.ts";
import type { ExternalAuthentication } from "../../ports/external-authentication.ts";
import type { Runtime } from "../../ports/runtime.ts";
import { ExternalAccounts, type ExternalSource } from "../../service/session/external-accounts.ts";
import type { LocalServerOptions } from "./front.ts";

export interface LocalExternalAccounts {
  readonly accounts: ExternalAccounts;
  close(): void;
}

/**
 * The accounts of the configuration and, behind them, those of the system that its `authentication` section names.
 * @throws Error in words for the operator when what is known of them cannot be read
 */
export async function openExternalAccounts(
  { dataDirectory, runtime }: LocalServerOptions,
  configuration: ConfigurationAccounts,
): Promise<LocalExternalAccounts> {
  const { now } = runtime;
  const memory = openSqliteVouchedAccounts({ file: join(dataDirectory, "external-accounts.sqlite"), now });
  const accounts = new ExternalAccounts({
    local: configuration,
    source: createSource(configuration, runtime),
    group: (groupName, accountName) => configuration.current().groups.get(groupName)?.(accountName),
    memory,
    runtime,
  });
  await accounts.restore();
  return { accounts, close: memory.close };
}

/** The system of the configuration in force: another one when that changes. */
function createSource(configuration: ConfigurationAccounts, runtime: Runtime): () => ExternalSource | undefined {
  let known:
    | { readonly settings: HttpAuthenticationConfiguration; readonly system: ExternalAuthentication }
    | undefined;
  return () => {
    const { authentication, server } = configuration.current();
    const settings = authentication?.http;
    if (!isDeepStrictEqual(settings, known?.settings)) {
      const { now, log } = runtime;
      const system = (http: HttpAuthenticationConfiguration) =>
        createHttpAuthentication({ ...http, timeoutMs: http.timeoutSeconds * 1000, serverName: server.name, now, log });
      known = settings && { settings, system: system(settings) };
    }
    return known && { system: known.system, defaultGroup: known.settings.defaultGroup };
  };
}
