import type { Problem, ProblemCode } from "./problem.ts";

/** A request that fails for a reason of HTTP rather than of files. The message may be shown to the client. */
export class RequestError extends Error implements Problem {
  override readonly name = "RequestError";
  readonly code: ProblemCode;
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: ProblemCode, detail: string, headers: Readonly<Record<string, string>> = {}) {
    super(detail);
    this.code = code;
    this.headers = headers;
  }

  get detail(): string {
    return this.message;
  }
}
