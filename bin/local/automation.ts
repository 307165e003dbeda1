import { join } from "node:path";
import { type AutomationState, openSqliteAutomationState } from "../../adapters/local/sqlite-automation-state.ts";
import { limits } from "../../core/limits.ts";
import type { EventFeed } from "../../ports/event-feed.ts";
import { DeadLetterDesk } from "../../service/consume/dead-letter-desk.ts";
import { EventConsumer, type EventHandler } from "../../service/consume/event-consumer.ts";
import type { LocalServerOptions } from "./front.ts";

/** What the handlers remember. */
export type AutomationMemory = Pick<AutomationState, "claims" | "deadLetters" | "pushes" | "pulls">;

/** Those who act on what is on record: each handler has a consumer of its own, so that none waits for another. */
export interface Automation {
  readonly deadLetters: DeadLetterDesk;
  /** To be called before clients connect: a consumer that is new begins with the events from then on. */
  start(): Promise<void>;
  /** Ends what is under way, for at most limits.drainMs; the rest waits for the next start. */
  stop(): Promise<void>;
}

/** @throws Error in words for the operator when the state cannot be used */
export async function openAutomation(
  { dataDirectory, runtime }: LocalServerOptions,
  feed: EventFeed,
  handlersOf: (state: AutomationMemory) => Promise<readonly EventHandler[]>,
): Promise<Automation> {
  const state = await openSqliteAutomationState({ file: join(dataDirectory, "automation.sqlite"), now: runtime.now });
  const { positions, deadLetters } = state;
  const handlers = await handlersOf(state);
  const consumers = handlers.map((handler) => new EventConsumer({ feed, positions, deadLetters, runtime }, handler));
  const stopSweeping = runtime.every(limits.claimSweepMs, () => {
    state.forgetOldClaims().catch((error: unknown) => runtime.log.error("old claims are not forgotten", { error }));
  });
  return {
    deadLetters: new DeadLetterDesk(deadLetters, consumers),
    start: async () => {
      for (const consumer of consumers) await consumer.start();
    },
    stop: async () => {
      stopSweeping();
      const timeLimit = new Promise((resolve) => setTimeout(resolve, limits.drainMs).unref());
      await Promise.race([Promise.all(consumers.map((consumer) => consumer.stop())), timeLimit]);
      await state.close();
    },
  };
}
