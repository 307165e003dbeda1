import { isDeepStrictEqual } from "node:util";
import type {
  Configuration,
  HttpAuthenticationConfiguration,
} from "../../adapters/local/configuration/configuration.ts";
import type { ConfigurationAccounts } from "../../adapters/local/configuration/configuration-accounts.ts";
import { createHttpAuthentication } from "../../adapters/node/http-authentication.ts";
import type { ExternalAuthentication } from "../../ports/external-authentication.ts";
import type { Runtime } from "../../ports/runtime.ts";
import { ExternalAccounts, type ExternalSource } from "../../service/session/external-accounts.ts";

/** The accounts of the configuration and, behind them, those of the system that its `authentication` section names. */
export function createExternalAccounts(configuration: ConfigurationAccounts, runtime: Runtime): ExternalAccounts {
  let known:
    | { readonly settings: HttpAuthenticationConfiguration; readonly system: ExternalAuthentication }
    | undefined;
  const sourceOf = ({ authentication, server }: Configuration): ExternalSource | undefined => {
    const settings = authentication?.http;
    if (!isDeepStrictEqual(settings, known?.settings)) {
      const { now, log } = runtime;
      const system = (http: HttpAuthenticationConfiguration) =>
        createHttpAuthentication({ ...http, timeoutMs: http.timeoutSeconds * 1000, serverName: server.name, now, log });
      known = settings && { settings, system: system(settings) };
    }
    return known && { system: known.system, defaultGroup: known.settings.defaultGroup };
  };
  return new ExternalAccounts({
    local: configuration,
    source: () => sourceOf(configuration.current()),
    group: (groupName, accountName) => configuration.current().groups.get(groupName)?.(accountName),
    runtime,
  });
}
