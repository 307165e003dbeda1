import type { AccountingEvent } from "../../core/accounting-event.ts";
import { FileError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import type { ConsumerPositions } from "../../ports/consumer-positions.ts";
import type { DeadLetters } from "../../ports/dead-letters.ts";
import type { EventFeed, PlacedEvent } from "../../ports/event-feed.ts";
import type { Runtime } from "../../ports/runtime.ts";
import { deadLetterOf, type Failure } from "./dead-letter.ts";
import {
  isLasting,
  RetryLater,
  type RetryPolicy,
  reasonOf,
  retryDelayMs,
  standardRetries,
  WorkBusy,
  WorkDeferred,
} from "./retry.ts";

/** Acts on events. The same event may come again, also when it was handled: what must happen once needs a claim. */
export interface EventHandler {
  /** Names the consumer for good: its position and its dead letters are kept under this name. */
  readonly name: string;
  /** False for the events that pass unhandled: nothing is written for them. */
  selects(event: AccountingEvent): boolean;
  /**
   * @throws FileError: every code but `unavailable` is final. WorkDeferred: somebody else goes on with it. RetryLater
   * and whatever else: it is tried again.
   */
  handle(event: AccountingEvent): Promise<void>;
  /** As `handle` for a dead letter, where that is more than taking the event: done when it resolves. */
  replay?(event: AccountingEvent): Promise<void>;
  /**
   * The tries are used up. True when that is dealt with; otherwise the event goes to the dead letters. Called again
   * for the same failure after a crash, and tried as often as the event when it fails itself.
   */
  givenUp?(failure: Failure): Promise<boolean>;
}

export interface ConsumerServices {
  readonly feed: EventFeed;
  readonly positions: ConsumerPositions;
  readonly deadLetters: DeadLetters;
  readonly runtime: Runtime;
}

/** What became of a replay, `queued` while it is under way elsewhere; `reason` is one sentence for the operator. */
export type ReplayOutcome =
  | { readonly ok: true; readonly queued?: true }
  | { readonly ok: false; readonly reason: string };

/**
 * Hands every event of the log to one handler: in order, at least once, whatever stops the process in between. An
 * event that cannot be handled is tried again with growing pauses and then waits among the dead letters, while the
 * consumer goes on. Those who append events never wait for it.
 */
export class EventConsumer {
  readonly #services: ConsumerServices;
  readonly #handler: EventHandler;
  readonly #retries: RetryPolicy;
  #position = 0;
  #savedPosition = 0;
  #savedAtMs = 0;
  #isStopping = false;
  /** Looks at every wait that is under way: it may be over. */
  readonly #waits = new Set<() => void>();
  #appends = 0;
  #running: Promise<void> | undefined;
  #unsubscribe: () => void = () => {};
  #replays: Promise<unknown> = Promise.resolve();

  constructor(services: ConsumerServices, handler: EventHandler, retries: RetryPolicy = standardRetries) {
    this.#services = services;
    this.#handler = handler;
    this.#retries = retries;
  }

  get name(): string {
    return this.#handler.name;
  }

  /**
   * Goes on behind the last event that was handled. A consumer that was never here begins at the end of the log, so
   * that it does not act on history; from when this resolves, every new event reaches it.
   * @throws FileError `unavailable` when the position cannot be read.
   */
  async start(): Promise<void> {
    const { feed, positions } = this.#services;
    const known = await positions.load(this.name);
    this.#position = known ?? (await feed.end());
    if (known === undefined) await positions.save(this.name, this.#position);
    this.#savedPosition = this.#position;
    this.#unsubscribe = feed.onAppend(() => {
      this.#appends += 1;
      this.#wakeAll();
    });
    this.#running = this.#run();
  }

  /** Resolves when nothing is being handled any more. What is left waits for the next start. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#unsubscribe();
    this.#wakeAll();
    await this.#running;
    await this.#replays;
  }

  /** Tries a dead letter of this consumer again, once. @throws FileError `not-found`. */
  replay(letterId: string): Promise<ReplayOutcome> {
    const outcome = this.#replays.then(() => this.#replay(letterId));
    this.#replays = outcome.catch(() => {});
    return outcome;
  }

  async #run(): Promise<void> {
    while (!this.#isStopping) {
      const seenAppends = this.#appends;
      const page = await this.#insist("reading events", () =>
        this.#services.feed.readBehind(this.#position, limits.consumerPageEvents),
      );
      for (const placed of page ?? []) await this.#consume(placed);
      if (this.#isPositionDue()) await this.#insist("keeping the position", () => this.#savePosition());
      if (page?.length === limits.consumerPageEvents) continue;
      await this.#pause({ unless: () => this.#appends !== seenAppends });
    }
    await this.#insist("keeping the position", () => this.#savePosition());
  }

  /** What nothing was done about may be looked at again after a crash, so its position is not written each time. */
  #isPositionDue(): boolean {
    return this.#services.runtime.now() - this.#savedAtMs >= limits.consumerPositionMs;
  }

  async #consume({ position, event }: PlacedEvent): Promise<void> {
    if (this.#isStopping) return;
    const outcome = await this.#settle(event);
    if (outcome === "interrupted") return;
    this.#position = position;
    if (outcome === "settled") await this.#insist("keeping the position", () => this.#savePosition());
  }

  async #savePosition(): Promise<void> {
    if (this.#position === this.#savedPosition) return;
    await this.#services.positions.save(this.name, this.#position);
    this.#savedPosition = this.#position;
    this.#savedAtMs = this.#services.runtime.now();
  }

  async #settle(event: AccountingEvent): Promise<"passed" | "settled" | "interrupted"> {
    for (let attempts = 0; ; ) {
      try {
        if (!this.#handler.selects(event)) return "passed";
        await this.#handle(event);
        return "settled";
      } catch (error) {
        if (!(error instanceof WorkBusy)) attempts += 1;
        this.#logFailure({ event, error, attempts });
        if (isLasting(error) || attempts >= this.#retries.tries) return this.#giveUp({ event, error, attempts });
        await this.#pause({ delayMs: this.#delayMs(error, attempts) });
        if (this.#isStopping) return "interrupted";
      }
    }
  }

  async #handle(event: AccountingEvent): Promise<"done" | "deferred"> {
    try {
      await this.#handler.handle(event);
      return "done";
    } catch (error) {
      if (error instanceof WorkDeferred) return "deferred";
      throw error;
    }
  }

  #logFailure({ event, error, attempts }: Failure): void {
    const why = error instanceof FileError ? { reason: error.message, code: error.code } : { error };
    const fields = { event: event.id, attempts, ...why };
    this.#services.runtime.log.warn(`${this.name}: an event could not be handled`, fields);
  }

  #delayMs(error: unknown, attempts: number): number {
    const delayMs = retryDelayMs(this.#retries, attempts, this.#services.runtime.random());
    return error instanceof RetryLater ? Math.max(delayMs, error.delayMs) : delayMs;
  }

  async #giveUp(failure: Failure): Promise<"settled" | "interrupted"> {
    const isDone = await this.#insist("giving an event up", async () => {
      await this.#bury(failure);
      return true;
    });
    return isDone ? "settled" : "interrupted";
  }

  async #bury(failure: Failure): Promise<void> {
    const letter = deadLetterOf(this.name, failure, this.#services.runtime);
    if (await this.#isDealtWith(failure)) await this.#services.deadLetters.remove(letter.id);
    else await this.#services.deadLetters.put(letter);
  }

  /** The last resort may fail too; then somebody has to look. */
  async #isDealtWith(failure: Failure): Promise<boolean> {
    for (let attempts = 1; ; attempts += 1) {
      try {
        return (await this.#handler.givenUp?.(failure)) === true;
      } catch (error) {
        const fields = { event: failure.event.id, attempts, error };
        this.#services.runtime.log.error(`${this.name}: the last resort failed`, fields);
        if (isLasting(error) || attempts >= this.#retries.tries) return false;
        await this.#pause({ delayMs: this.#delayMs(error, attempts) });
        if (this.#isStopping) throw error;
      }
    }
  }

  async #replay(letterId: string): Promise<ReplayOutcome> {
    const { deadLetters } = this.#services;
    const letter = await deadLetters.find(letterId);
    if (letter?.consumer !== this.name) throw new FileError("not-found", "there is no such dead letter");
    const { event, attempts } = letter;
    try {
      if (this.#handler.replay) await this.#handler.replay(event);
      else if ((await this.#handle(event)) === "deferred") return { ok: true, queued: true };
    } catch (error) {
      if (!(error instanceof WorkBusy)) await this.#bury({ event, error, attempts: attempts + 1 });
      return { ok: false, reason: reasonOf(error) };
    }
    await deadLetters.remove(letterId);
    return { ok: true };
  }

  /** What the consumer itself depends on is tried until it works or the consumer stops. */
  async #insist<T>(what: string, action: () => Promise<T>): Promise<T | undefined> {
    for (let attempts = 1; ; attempts += 1) {
      try {
        return await action();
      } catch (error) {
        this.#services.runtime.log.error(`${this.name}: ${what} failed`, { attempts, error });
        await this.#pause({ delayMs: retryDelayMs(this.#retries, attempts, this.#services.runtime.random()) });
        if (this.#isStopping) return undefined;
      }
    }
  }

  /** Waits until the time is over, or without one until an event arrives; in either case no longer than until stop. */
  async #pause({ delayMs, unless }: { delayMs?: number; unless?: () => boolean }): Promise<void> {
    if (this.#isStopping || unless?.()) return;
    let cancel = () => {};
    let wake = () => {};
    await new Promise<void>((resolve) => {
      if (delayMs !== undefined) cancel = this.#services.runtime.every(delayMs, resolve);
      wake = () => {
        if (delayMs === undefined || this.#isStopping) resolve();
      };
      this.#waits.add(wake);
    });
    cancel();
    this.#waits.delete(wake);
  }

  #wakeAll(): void {
    for (const wake of this.#waits) wake();
  }
}
