import { FileError } from "../../core/errors.ts";
import type { Action } from "../../core/permission.ts";
import { parseVirtualPath } from "../../core/virtual-path.ts";
import type { IdentifyToken, TokenIdentity } from "../session/token-identity.ts";
import { authorizationFor } from "./authorize.ts";

/** A request to somebody's own HTTP API, which asks whether it may go on. */
export interface HttpRequestQuestion {
  /** The Authorization header. */
  readonly authorization: string | undefined;
  readonly method: string;
  /** The virtual path that the request is about; undefined for a request that is about none. */
  readonly path: string | undefined;
  readonly peerAddress: string;
}

/** Plain values, as gateways pass them on to what stands behind them. */
export interface RequestVerdict {
  readonly isAuthorized: boolean;
  readonly context: Readonly<Record<string, string>>;
}

/**
 * Decides about requests with the token of a session or an API token: by the method and the path, where there is one,
 * as this product's own API would. Passwords are not taken: their failures would be on no record.
 */
export function createRequestAuthorizer(
  identify: IdentifyToken,
): (question: HttpRequestQuestion) => Promise<RequestVerdict> {
  return async ({ authorization, method, path, peerAddress }) => {
    const token = /^bearer +(?<token>[\w.~+/=-]+)$/i.exec(authorization?.trim() ?? "")?.groups?.token;
    if (token === undefined) return refused({ reason: "token-required" });
    const identity = await identify(token, peerAddress);
    if (!identity) return refused({ reason: "token-refused" });
    const { name, roles } = identity.account;
    const who = { account: name, roles: roles.join(",") };
    return path === undefined ? { isAuthorized: true, context: who } : decided(identity, { method, path, who });
  };
}

interface PathQuestion {
  readonly method: string;
  readonly path: string;
  readonly who: Readonly<Record<string, string>>;
}

function decided({ account, scopes }: TokenIdentity, { method, path, who }: PathQuestion): RequestVerdict {
  const action = actionOf(method, path.endsWith("/"));
  if (!action) return refused({ ...who, reason: "unknown-method" });
  const scope = action === "read" || action === "list" ? "files:read" : "files:write";
  if (scopes?.includes(scope) === false) return refused({ ...who, reason: "scope-required", scope });
  try {
    const { effect, rule, ...rest } = authorizationFor(account, action, parseVirtualPath(path));
    const context = { ...who, effect, rule, action, path: rest.path, objectKey: rest.objectKey };
    return { isAuthorized: effect === "allow", context };
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    return refused({ ...who, reason: error.code });
  }
}

/** As `/v1/files` reads a method: a path that ends in a slash is a folder's. */
function actionOf(method: string, isFolder: boolean): Action | undefined {
  switch (method.toUpperCase()) {
    case "GET":
    case "HEAD":
      return isFolder ? "list" : "read";
    case "PUT":
      return isFolder ? "create-folder" : "write";
    case "POST":
    case "PATCH":
      return "write";
    case "DELETE":
      return isFolder ? "delete-folder" : "delete-file";
    default:
      return undefined;
  }
}

function refused(context: Readonly<Record<string, string>>): RequestVerdict {
  return { isAuthorized: false, context };
}
