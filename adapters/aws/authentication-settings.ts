import { fieldName } from "../../core/configuration-entry.ts";
import { authenticationSchema } from "../node/configuration/authentication-schema.ts";
import type { HttpAuthenticationConfiguration } from "../node/configuration/configuration.ts";
import { noSecretSource } from "../node/configuration/entry-form.ts";
import { findingsOf, messageFor } from "../node/configuration/findings.ts";

/** What functions are told of an endpoint that is asked about logins; its headers are a secret. */
export interface AuthenticationSettings {
  readonly http: Omit<HttpAuthenticationConfiguration, "headers">;
  /** True lets it be at an address that is not public. */
  readonly allowPrivate: boolean;
}

/**
 * Reads `{"urls": […], "timeoutSeconds"?, "defaultGroup"?, "allowHttp"?, "allowPrivate"?}`.
 * @throws Error whose message is a clause without a value
 */
export function readAuthenticationSettings(text: string): AuthenticationSettings {
  const { allowPrivate = false, ...written } = mappingOf(text);
  if (typeof allowPrivate !== "boolean") throw new Error("has an allowPrivate that is neither true nor false");
  if ("headers" in written) throw new Error("has headers, which belong into the secret");
  return { http: checked(written), allowPrivate };
}

/** The endpoint with the headers of a secret, by their names. @throws Error that names the header and not its value */
export function withHeaders({ http }: AuthenticationSettings, headers: unknown): HttpAuthenticationConfiguration {
  return checked({ ...http, allowHttp: true, headers });
}

function mappingOf(text: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // It is no mapping then.
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Error("is not a JSON object");
  return value as Readonly<Record<string, unknown>>;
}

const schema = authenticationSchema(noSecretSource);

function checked(http: unknown): HttpAuthenticationConfiguration {
  const { error, data } = schema.safeParse({ http }, { error: messageFor, reportInput: true });
  if (data?.http) return data.http;
  const problems = error ? findingsOf(error) : [];
  throw new Error(problems.map(({ path, message }) => `${fieldName(path.slice(1))}: ${message}`).join("; "));
}
