import type { AccountingEvent } from "../../core/accounting-event.ts";
import { FileError } from "../../core/errors.ts";
import type { DeadLetters } from "../../ports/dead-letters.ts";
import type { Runtime } from "../../ports/runtime.ts";
import { deadLetterOf, type Failure } from "./dead-letter.ts";
import type { EventHandler } from "./event-consumer.ts";
import { isLasting, WorkDeferred } from "./retry.ts";

/** An event as a queue delivered it, which delivers it again unless it is told that it was dealt with. */
export interface QueuedEvent {
  /** Undefined for a message that is no event. */
  readonly event: AccountingEvent | undefined;
  /** How often it was delivered, this time included. */
  readonly receives: number;
}

export interface QueueConsumerOptions {
  readonly handler: EventHandler;
  readonly deadLetters: DeadLetters;
  readonly runtime: Pick<Runtime, "now" | "log">;
  /** How often the queue delivers a message before it puts it aside itself. */
  readonly mostReceives: number;
}

/** What became of each delivery, in their order. What was rejected is to be delivered again. */
export type ConsumeQueue = (deliveries: readonly QueuedEvent[]) => Promise<readonly PromiseSettledResult<void>[]>;

/**
 * Hands events to a handler, those of one call at the same time. The queue repeats what fails, after its own pauses;
 * at the last delivery, and at once where a repetition cannot help, the event goes to the dead letters. What cannot
 * even get there, and a message that is no event, stays with the queue.
 */
export function createQueueConsumer(options: QueueConsumerOptions): ConsumeQueue {
  return (deliveries) => Promise.allSettled(deliveries.map((delivery) => consume(options, delivery)));
}

async function consume(options: QueueConsumerOptions, { event, receives }: QueuedEvent): Promise<void> {
  const { handler, mostReceives } = options;
  if (!event) throw new FileError("invalid-argument", "the message is no accounting event");
  if (!handler.selects(event)) return;
  try {
    await handler.handle(event);
  } catch (error) {
    if (error instanceof WorkDeferred) return;
    if (!isLasting(error) && receives < mostReceives) throw error;
    await giveUp(options, { event, error, attempts: receives });
  }
}

/** @throws what the last resort fails with while it may be tried again; FileError `unavailable` */
async function giveUp({ handler, deadLetters, runtime, mostReceives }: QueueConsumerOptions, failure: Failure) {
  const letter = deadLetterOf(handler.name, failure, runtime);
  try {
    if ((await handler.givenUp?.(failure)) === true) return await deadLetters.remove(letter.id);
  } catch (error) {
    runtime.log.error(`${handler.name}: the last resort failed`, { event: failure.event.id, error });
    if (!isLasting(error) && failure.attempts < mostReceives) throw error;
  }
  await deadLetters.put(letter);
}
