import type { Context, SQSEvent } from "aws-lambda";
import { limits } from "../../core/limits.ts";
import { runtime } from "./operator-log.ts";

/** True for a batch of a queue; everything else that calls the function is a schedule. */
export function isBatch(event: unknown): event is SQSEvent {
  return Array.isArray((event as Partial<SQSEvent> | null)?.Records);
}

/** After this moment nothing is begun that may not end before Lambda ends the call. Milliseconds since the epoch. */
export function untilShortlyBefore({ getRemainingTimeInMillis }: Context): number {
  return runtime.now() + getRemainingTimeInMillis() - limits.functionEndMs;
}
