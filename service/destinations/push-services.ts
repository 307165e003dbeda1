import type { AccountingEvent } from "../../core/accounting-event.ts";
import type { DeadLetters } from "../../ports/dead-letters.ts";
import type { PushQueue } from "../../ports/push-queue.ts";
import type { Runtime } from "../../ports/runtime.ts";
import type { EventHandler } from "../consume/event-consumer.ts";
import type { Pushing } from "../dispatch/dispatch-services.ts";
import type { Destinations } from "./destination-access.ts";

export interface PushServices {
  readonly destinations: Destinations;
  readonly queue: PushQueue;
  readonly deadLetters: DeadLetters;
  readonly runtime: Runtime;
  /** What does the rules of an event, pushing this way. */
  readonly handlerFor: (pushing: Pushing) => EventHandler;
  /** Puts the event into the queue of that destination. @throws WorkDeferred always, or FileError */
  readonly defer: (event: AccountingEvent, destination: string) => Promise<never>;
}
