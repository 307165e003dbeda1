import { z } from "zod";
import { limits } from "../../../core/limits.ts";
import { name, parsedBy, secret, section } from "./fields.ts";
import type { SecretSource } from "./secret.ts";
import { isLoopbackUrl, parseEndpointUrl } from "./values.ts";

const mostSeconds = 120;

// RFC 9110 §5.1 and §5.5; the two names are those of the request itself.
const headerName = z
  .string()
  .regex(/^(?!content-(?:type|length)$)[!#$%&'*+.^_`|~0-9A-Za-z-]+$/i, { error: "this is no name of a header to add" });
const headerValue = z.string().regex(/^[\t -~]*$/, { error: "a header's value is one line of ASCII" });

/** The `authentication` section: who is asked about accounts that are not on file. */
export function authenticationSchema(secrets: SecretSource) {
  return section({
    http: httpSchema(secrets).optional().describe("An endpoint that is asked over HTTP."),
  });
}

function httpSchema(secrets: SecretSource) {
  return section({
    urls: z
      .array(secret(secrets).transform(parsedBy(parseEndpointUrl)))
      .min(1)
      .max(limits.externalAuthenticationUrls)
      .describe(
        "Addresses of the endpoint, with USER:PASSWORD@ for Basic authentication; the first that answers decides.",
      ),
    timeoutSeconds: z
      .number()
      .min(1)
      .max(mostSeconds)
      .default(limits.externalAuthenticationMs / 1000)
      .describe("How long each address has for its answer."),
    headers: z
      .record(headerName, secret(secrets).pipe(headerValue))
      .refine((headers) => Object.keys(headers).length <= limits.externalAuthenticationHeaders, {
        error: `at most ${limits.externalAuthenticationHeaders} headers are possible`,
      })
      .prefault({})
      .describe("Headers of each request, by their names."),
    defaultGroup: name.optional().describe("The group of accounts about which the endpoint names none."),
    allowHttp: z.boolean().default(false).describe("True lets passwords travel without TLS to another machine."),
  }).superRefine(({ urls, allowHttp }, context) => {
    for (const [index, url] of urls.entries()) {
      if (url.startsWith("https:") || isLoopbackUrl(url) || allowHttp) continue;
      const message = "passwords would travel without TLS: use https, or allowHttp: true";
      context.addIssue({ code: "custom", path: ["urls", index], message });
    }
  });
}
