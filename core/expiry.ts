const dayMs = 86_400_000;

/** A warning is given once for each of these. */
const warningDays = [1, 7, 14] as const;

/**
 * How many days of notice are due for what expires at `expiresAtMs`: 14, 7 or 1. Undefined when there is more time
 * left, or none.
 */
export function dueWarning(expiresAtMs: number, nowMs: number): number | undefined {
  const leftMs = expiresAtMs - nowMs;
  return leftMs <= 0 ? undefined : warningDays.find((days) => leftMs <= days * dayMs);
}
