import { STATUS_CODES } from "node:http";
import type { FileError, FileErrorCode } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import type { Answer } from "./answer.ts";

/** What can go wrong besides a file operation. */
type RequestErrorCode =
  | "authentication-required"
  | "authentication-failed"
  | "unknown-route"
  | "method-not-allowed"
  | "malformed-request"
  | "request-timeout"
  | "header-too-large"
  | "internal";

/** The stable `code` of a problem document. */
export type ProblemCode = FileErrorCode | RequestErrorCode;

export interface Problem {
  readonly code: ProblemCode;
  /** One sentence for the client. */
  readonly detail: string;
  /** The parameter that is wrong. */
  readonly field?: string | undefined;
  /** The rule that refused. */
  readonly rule?: string | undefined;
}

/**
 * `unsupported` is 422: the request was understood and this store cannot do it. 405 would promise that another method
 * can (RFC 9110 §15.5.6), and 501 is for methods that no resource knows (§15.6.2), and as a 5xx invites retries.
 */
const statuses: Readonly<Record<ProblemCode, number>> = {
  "invalid-path": 400,
  "invalid-argument": 400,
  "malformed-request": 400,
  "authentication-required": 401,
  "authentication-failed": 401,
  "permission-denied": 403,
  "not-found": 404,
  "unknown-route": 404,
  "method-not-allowed": 405,
  "request-timeout": 408,
  "already-exists": 409,
  "directory-not-empty": 409,
  "not-a-file": 409,
  "not-a-directory": 409,
  "precondition-failed": 412,
  "too-large": 413,
  integrity: 422,
  unsupported: 422,
  "header-too-large": 431,
  internal: 500,
  unavailable: 503,
  "quota-exceeded": 507,
};

// RFC 9110 §15 renamed two statuses that Node lists under their former names.
const reasons: Readonly<Record<number, string>> = {
  ...STATUS_CODES,
  413: "Content Too Large",
  422: "Unprocessable Content",
};

const requiredHeaders: Readonly<Record<number, Readonly<Record<string, string>>>> = {
  401: { "www-authenticate": 'Basic realm="ferrygate", charset="UTF-8"' },
  503: { "retry-after": `${Math.ceil(limits.httpRetryAfterMs / 1000)}` },
};

/**
 * A problem document (RFC 9457): `{type, title, status, code, detail, field?, rule?}`. `type` is `about:blank`, so
 * `title` is the name of the status (§4.2.1) and `code` is what programs look at.
 */
export function problemAnswer(problem: Problem, headers: Readonly<Record<string, string>> = {}): Answer {
  const { code, detail, field, rule } = problem;
  const status = statuses[code];
  const document = { type: "about:blank", title: titleOf(status), status, code, detail, field, rule };
  return {
    status,
    mediaType: "application/problem+json",
    text: JSON.stringify(document),
    headers: { ...requiredHeaders[status], ...headers },
  };
}

export function titleOf(status: number): string {
  return reasons[status] ?? "";
}

export function problemOf({ code, message, field, rule }: FileError): Problem {
  return { code, detail: message, field, rule };
}

/** For whatever is no FileError: the operator finds the cause in the log. */
export const internalProblem: Problem = {
  code: "internal",
  detail: "the server failed to answer; its log says why",
};
