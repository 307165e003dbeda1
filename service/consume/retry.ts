import { FileError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";

/** How often and how far apart something that failed is tried again. */
export interface RetryPolicy {
  /** The first included. */
  readonly tries: number;
  readonly firstDelayMs: number;
  readonly longestDelayMs: number;
}

export const standardRetries: RetryPolicy = {
  tries: limits.consumerTries,
  firstDelayMs: limits.consumerRetryMs,
  longestDelayMs: limits.consumerLongestRetryMs,
};

/** A failure that says itself when it is worth trying again, as HTTP's Retry-After does (RFC 9110 §10.2.3). */
export class RetryLater extends Error {
  override readonly name = "RetryLater";
  readonly delayMs: number;

  constructor(message: string, delayMs: number) {
    super(message);
    this.delayMs = delayMs;
  }
}

/** The same work is being done by another owner: a reason to wait, not a failure. */
export class WorkBusy extends FileError {
  constructor() {
    super("unavailable", "the same work is under way elsewhere");
  }
}

/** The rest of the work is durably in a queue: whoever empties that sees to the event and to its dead letter. */
export class WorkDeferred extends Error {
  override readonly name = "WorkDeferred";
}

/** Milliseconds to wait after try number `attempts`: doubled each time, half of it by chance (`random` from 0 to 1). */
export function retryDelayMs(policy: RetryPolicy, attempts: number, random: number): number {
  const delayMs = Math.min(policy.longestDelayMs, policy.firstDelayMs * 2 ** Math.max(0, attempts - 1));
  return Math.round(delayMs * (0.5 + random / 2));
}

/** True for a refusal that trying again would only repeat. What is not known may pass. */
export function isLasting(error: unknown): boolean {
  return error instanceof FileError && error.code !== "unavailable";
}

/** What the operator reads. The text of an unexpected error stays in the log. */
export function reasonOf(error: unknown): string {
  return error instanceof FileError || error instanceof RetryLater ? error.message : "an internal error";
}
