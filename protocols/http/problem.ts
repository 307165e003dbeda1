import { STATUS_CODES } from "node:http";
import { z } from "zod";
import type { ConfigurationError, ConfigurationErrorCode, FieldProblem } from "../../core/configuration-error.ts";
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
  | "content-incomplete"
  | "header-too-large"
  | "unsupported-media-type"
  | "range-not-satisfiable"
  | "too-many-requests"
  | ConfigurationErrorCode
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
  /** Everything that is wrong, where there is more than one place for it. */
  readonly errors?: readonly FieldProblem[] | undefined;
}

/**
 * `unsupported` is 422: the request was understood and this store cannot do it. 405 would promise that another method
 * can (RFC 9110 §15.5.6), and 501 is for methods that no resource knows (§15.6.2), and as a 5xx invites retries.
 */
const statuses: Readonly<Record<ProblemCode, number>> = {
  "invalid-path": 400,
  "invalid-argument": 400,
  "malformed-request": 400,
  "content-incomplete": 400,
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
  conflict: 409,
  "precondition-failed": 412,
  "too-large": 413,
  "unsupported-media-type": 415,
  "range-not-satisfiable": 416,
  "invalid-entry": 422,
  integrity: 422,
  unsupported: 422,
  "too-many-requests": 429,
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
 * A problem document (RFC 9457): `{type, title, status, code, detail, field?, rule?, errors?}`. `type` is
 * `about:blank`, so `title` is the name of the status (§4.2.1) and `code` is what programs look at.
 */
export function problemAnswer(problem: Problem, headers: Readonly<Record<string, string>> = {}): Answer {
  const { code, detail, field, rule, errors } = problem;
  const status = statuses[code];
  const document = { type: "about:blank", title: titleOf(status), status, code, detail, field, rule, errors };
  return {
    status,
    mediaType: "application/problem+json",
    text: JSON.stringify(document),
    headers: { ...requiredHeaders[status], ...headers },
  };
}

/** The codes that come with a status. */
export function problemCodesOf(status: number): readonly string[] {
  return Object.entries(statuses).flatMap(([code, of]) => (of === status ? [code] : []));
}

/** The form of a problem document. */
export const problemDocument = z
  .object({
    type: z.string().describe("always about:blank"),
    title: z.string().describe("the name of the status"),
    status: z.int(),
    code: z.enum(Object.keys(statuses)).describe("stable: what programs look at"),
    detail: z.string().describe("one sentence for people"),
    field: z.string().optional().describe("what is wrong: a parameter, or a place in the content"),
    rule: z.string().optional().describe("the rule that refused"),
    errors: z
      .array(z.object({ field: z.string(), message: z.string() }))
      .optional()
      .describe("every mistake in the content"),
  })
  .meta({
    id: "Problem",
    description: "What went wrong (RFC 9457).",
    examples: [
      {
        type: "about:blank",
        title: "Forbidden",
        status: 403,
        code: "permission-denied",
        detail: 'permission denied: account acme, permissions[0] (ferrygate.yaml:21): ["/inbox/*", allow-list]',
        rule: 'account acme, permissions[0] (ferrygate.yaml:21): ["/inbox/*", allow-list]',
      },
    ],
  });

export function titleOf(status: number): string {
  return reasons[status] ?? "";
}

export function problemOf({ code, message, field, rule }: FileError): Problem {
  return { code, detail: message, field, rule };
}

export function configurationProblemOf({ code, message, problems }: ConfigurationError): Problem {
  const [first] = problems;
  const shared = { code, detail: message, ...(first?.field && { field: first.field }) };
  return code === "conflict" ? shared : { ...shared, errors: problems.slice(0, limits.problemErrors) };
}

/** For whatever is no FileError: the operator finds the cause in the log. */
export const internalProblem: Problem = {
  code: "internal",
  detail: "the server failed to answer; its log says why",
};
