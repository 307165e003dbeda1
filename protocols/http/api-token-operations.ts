import { z } from "zod";
import { scopes } from "../../core/api-token.ts";
import { limits } from "../../core/limits.ts";
import type { ApiTokens } from "../../service/session/api-tokens.ts";
import { jsonAnswer, toResponse } from "./answer.ts";
import { type Operation, sessionOperation } from "./operation.ts";
import { text } from "./request-input.ts";

const tags = ["sessions"];
const scopeList = z.array(z.enum(scopes));
const shownToken = z
  .object({
    id: z.string().describe("what the accounting record names as the session of its requests"),
    account: z.string(),
    name: z.string(),
    scopes: scopeList,
    created: z.iso.datetime(),
    expires: z.iso.datetime(),
  })
  .meta({ id: "ApiToken", description: "An API token, without its secret." });
const createdToken = shownToken
  .extend({ token: z.string().describe("shown here and never again; send it as `Authorization: Bearer TOKEN`") })
  .meta({ id: "CreatedApiToken", description: "An API token, with its secret." });

/** None declares a scope, so that no token can make, see or revoke tokens. */
export function apiTokenOperations(apiTokens: ApiTokens): readonly Operation[] {
  return [
    sessionOperation(createApiToken, async (session, { body }) => {
      const { token, apiToken } = await apiTokens.create(session, body);
      return toResponse(jsonAnswer(201, { ...shown(apiToken), token }));
    }),
    sessionOperation(listApiTokens, async (session, { query }) => {
      const tokens = await apiTokens.list(session, query.account);
      return toResponse(jsonAnswer(200, { tokens: tokens.map(shown) }));
    }),
    sessionOperation(revokeApiToken, async (session, { parameters }) => {
      await apiTokens.revoke(session, parameters.tokenId);
      return new Response(null, { status: 204 });
    }),
  ];
}

function shown({ id, accountName, name, scopes, createdAtMs, expiresAtMs }: ShownFrom): z.output<typeof shownToken> {
  const created = new Date(createdAtMs).toISOString();
  return { id, account: accountName, name, scopes: [...scopes], created, expires: new Date(expiresAtMs).toISOString() };
}

type ShownFrom = Awaited<ReturnType<ApiTokens["list"]>>[number];

const createApiToken = {
  method: "POST",
  path: "/v1/api-tokens",
  operationId: "createApiToken",
  summary: "Make an API token for the own account",
  description: "For programs. It may do what the account may, as far as its scopes reach.",
  tags,
  body: z
    .strictObject({
      name: text(limits.apiTokenNameLength).describe("unique among the account's tokens"),
      scopes: scopeList.min(1).max(scopes.length),
      expires: text(40).optional().describe("ISO 8601 date or date-time; the latest possible when absent"),
    })
    .meta({ examples: [{ name: "nightly job", scopes: ["files:read"], expires: "2027-01-31" }] }),
  responses: { 201: { description: "the token", schema: createdToken } },
  problems: [409, 413, 415, 507],
} as const;

const listApiTokens = {
  method: "GET",
  path: "/v1/api-tokens",
  operationId: "listApiTokens",
  summary: "The own API tokens, oldest first",
  tags,
  query: z.object({
    account: text(limits.accountNameLength).optional().describe("whose; another's needs the role `admin`"),
  }),
  responses: {
    200: { description: "the tokens that are good", schema: z.object({ tokens: z.array(shownToken) }) },
  },
} as const;

const revokeApiToken = {
  method: "DELETE",
  path: "/v1/api-tokens/{tokenId}",
  operationId: "revokeApiToken",
  summary: "Revoke an API token: it is refused from here on",
  description: "Another account's needs the role `admin`.",
  tags,
  parameters: z.object({ tokenId: text(64) }),
  responses: { 204: { description: "it is revoked" } },
  problems: [404],
} as const;
