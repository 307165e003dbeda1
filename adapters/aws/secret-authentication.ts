import { isDeepStrictEqual } from "node:util";
import type { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { FileError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import type { ExternalAuthentication } from "../../ports/external-authentication.ts";
import type { Log } from "../../ports/runtime.ts";
import { createHttpAuthentication } from "../node/http-authentication.ts";
import { type AuthenticationSettings, withHeaders } from "./authentication-settings.ts";
import { type SecretMembers, secretMembers } from "./secret-members.ts";

export interface SecretAuthenticationOptions {
  readonly settings: AuthenticationSettings;
  readonly client: Pick<SecretsManagerClient, "send">;
  /** A secret with the headers of each question, `{"NAME": "VALUE"}`; without it there are none. */
  readonly secretId: string | undefined;
  readonly serverName: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly log: Log;
}

/**
 * The endpoint of the customer, asked with the headers that the secret holds; another value of it is noticed within
 * limits.secretCheckMs. While the secret cannot be read, or not used, what it was stays in force, and without any the
 * question fails as `unavailable`.
 */
export function createSecretAuthentication(options: SecretAuthenticationOptions): ExternalAuthentication {
  const { client, secretId, now, log } = options;
  let inForce: { readonly headers: SecretMembers; readonly system: ExternalAuthentication } | undefined;
  let readAtMs = Number.NEGATIVE_INFINITY;
  const refresh = async () => {
    const headers = secretId === undefined ? {} : await secretMembers(client, secretId);
    if (!isDeepStrictEqual(headers, inForce?.headers)) inForce = { headers, system: systemOf(options, headers) };
    readAtMs = now();
  };
  return {
    ask: async (question) => {
      if (now() - readAtMs >= limits.secretCheckMs) {
        await refresh().catch((error: unknown) => {
          log.error("the headers of an authentication endpoint cannot be read", { secretId, error });
        });
      }
      if (!inForce) throw new FileError("unavailable", "the system that decides about this login cannot be asked");
      return inForce.system.ask(question);
    },
  };
}

function systemOf(options: SecretAuthenticationOptions, headers: SecretMembers): ExternalAuthentication {
  const { settings, serverName, now, log } = options;
  const { urls, timeoutSeconds, headers: checked } = withHeaders(settings, headers);
  const { allowPrivate } = settings;
  const timeoutMs = timeoutSeconds * 1000;
  return createHttpAuthentication({ urls, timeoutMs, headers: checked, allowPrivate, serverName, now, log });
}
