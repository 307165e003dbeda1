import type { APIGatewayRequestAuthorizerEventV2 } from "aws-lambda";
import { FileError } from "../../core/errors.ts";
import type { AccountDirectory } from "../../ports/account-directory.ts";
import { authorizationOf } from "../../service/management/authorize.ts";
import type { createRequestAuthorizer, RequestVerdict } from "../../service/management/request-authorizer.ts";

/** An HTTP API of API Gateway asks so, with payload format 2.0; it takes simple responses only if it is told to. */
export function isAuthorizerEvent(event: unknown): event is APIGatewayRequestAuthorizerEventV2 {
  const { type, version, requestContext } = (event ?? {}) as Readonly<Record<string, unknown>>;
  return type === "REQUEST" && version === "2.0" && typeof requestContext === "object";
}

export function answerAuthorizer(
  authorize: ReturnType<typeof createRequestAuthorizer>,
  { headers = {}, queryStringParameters, requestContext }: APIGatewayRequestAuthorizerEventV2,
): Promise<RequestVerdict> {
  const { method, sourceIp } = requestContext.http;
  return authorize({
    authorization: headers.authorization,
    method,
    path: queryStringParameters?.path,
    peerAddress: sourceIp,
  });
}

/** The decision with its rule, or `{problem}` with a stable code and the field that is wrong. */
export async function answerQuestion(accounts: AccountDirectory, event: unknown): Promise<unknown> {
  const given = (event ?? {}) as Readonly<Record<string, unknown>>;
  const wrong = ["account", "action", "path"].find((field) => typeof given[field] !== "string");
  if (wrong !== undefined)
    return problemOf(new FileError("invalid-argument", `${wrong} is not text`, { field: wrong }));
  const { account, action, path } = given as Readonly<Record<"account" | "action" | "path", string>>;
  return authorizationOf(accounts, { account, action, path }).catch((error: unknown) => {
    if (error instanceof FileError && error.code !== "unavailable") return problemOf(error);
    throw error;
  });
}

function problemOf({ code, message, field }: FileError) {
  return { problem: { code, detail: message, field } };
}
