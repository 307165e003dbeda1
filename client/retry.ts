/** When a request that the server could not take is sent again. */
export interface RetryPolicy {
  /** How often in all, the first time included. */
  readonly attempts: number;
  /** The longest time to wait; an answer that asks for more is the result. */
  readonly longestWaitMs: number;
  /** Between two attempts where the answer does not say. */
  readonly defaultWaitMs: number;
}

export const defaultRetryPolicy: RetryPolicy = { attempts: 4, longestWaitMs: 60_000, defaultWaitMs: 1_000 };

export interface Attempt {
  readonly send: () => Promise<Response>;
  /** Whether a second request would do no more than the first (RFC 9110 §9.2.2). */
  readonly isIdempotent: boolean;
  /** False where the content is a stream that is used up. */
  readonly isRepeatable: boolean;
  readonly signal?: AbortSignal | undefined;
}

const tooManyRequests = 429;
const unavailable = 503;

/**
 * Sends a request, and sends it again after 429 and 503 when `Retry-After` (RFC 9110 §10.2.3) is over. Only a 429 says
 * for certain that nothing was done, so a request that is not idempotent is not sent again after a 503.
 * @throws what `send` throws, and the signal's reason
 */
export async function withRetries(attempt: Attempt, policy: RetryPolicy): Promise<Response> {
  for (let count = 1; ; count += 1) {
    const response = await attempt.send();
    const waitMs = waitAfter(response, attempt, policy);
    if (waitMs === undefined || count >= policy.attempts) return response;
    await response.body?.cancel();
    await pause(waitMs, attempt.signal);
  }
}

/** Undefined where the answer is the result. */
function waitAfter({ status, headers }: Response, attempt: Attempt, policy: RetryPolicy): number | undefined {
  const isRefusal = status === tooManyRequests || (status === unavailable && attempt.isIdempotent);
  if (!isRefusal || !attempt.isRepeatable) return undefined;
  const waitMs = retryAfterMs(headers.get("retry-after")) ?? policy.defaultWaitMs;
  return waitMs <= policy.longestWaitMs ? waitMs : undefined;
}

/** Seconds or a date. */
function retryAfterMs(text: string | null): number | undefined {
  if (text === null) return undefined;
  if (/^\d+$/.test(text.trim())) return Number(text) * 1000;
  const timeMs = Date.parse(text);
  return Number.isNaN(timeMs) ? undefined : Math.max(0, timeMs - Date.now());
}

/** @throws the signal's reason */
export function pause(waitMs: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, waitMs);
    signal?.addEventListener("abort", stop, { once: true });
  });
}
