import type { AccountingEvent } from "../../core/accounting-event.ts";
import { FileError } from "../../core/errors.ts";
import { WorkDeferred } from "../consume/retry.ts";
import type { PushServices } from "./push-services.ts";

export type PushQueueing = Pick<PushServices, "destinations" | "queue">;

/**
 * Puts the event into the queue of the destination, from where whoever works on that goes on with its rules.
 * @throws WorkDeferred when it is there; FileError `not-found` for a destination that there is not, `unavailable`
 */
export async function queuePush(
  { destinations, queue }: PushQueueing,
  event: AccountingEvent,
  destination: string,
): Promise<never> {
  if (!destinations.find(destination)) throw new FileError("not-found", `there is no destination ${destination}`);
  await queue.add(destination, event);
  throw new WorkDeferred(`the push to ${destination} has its place in the queue`);
}
