import type { Problem, ProblemCode } from "./schemas.ts";

/** An answer that is no success: a problem document (RFC 9457), whose `code` is stable. */
export class ProblemError extends Error {
  readonly status: number;
  /** Undefined where something between client and server answered, in another form. */
  readonly code: ProblemCode | undefined;
  readonly problem: Partial<Problem>;

  constructor(status: number, problem: Partial<Problem>) {
    super(`${status} ${problem.code ?? "without a code"}: ${problem.detail ?? "the answer is not that of this API"}`);
    this.name = "ProblemError";
    this.status = status;
    this.code = problem.code;
    this.problem = problem;
  }
}

/** Reads the answer to its end. */
export async function problemOf(response: Response): Promise<ProblemError> {
  const text = await response.text();
  return new ProblemError(response.status, parsed(text));
}

function parsed(text: string): Partial<Problem> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    return {};
  }
}
