import { FileError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import type { LaneFailure, TransferProgress } from "../../core/transfer-progress.ts";
import type { QueuedPush } from "../../ports/push-queue.ts";
import { deadLetterId, deadLetterOf, type Failure } from "../consume/dead-letter.ts";
import type { EventHandler } from "../consume/event-consumer.ts";
import { isLasting, type RetryPolicy, reasonOf, retryDelayMs, WorkBusy, WorkDeferred } from "../consume/retry.ts";
import type { Pushing } from "../dispatch/dispatch-services.ts";
import type { PushServices } from "./push-services.ts";
import type { RemoteTurn } from "./remote-transfer.ts";

/**
 * Does the pushes of one destination, as many at the same time as that allows, and repeats what fails. What another
 * destination holds up does not wait here, and what this one holds up nowhere else.
 */
export class PushLane {
  readonly #services: PushServices;
  readonly #name: string;
  readonly #active = new Map<number, TransferProgress>();
  readonly #works = new Set<Promise<void>>();
  #failure: LaneFailure | undefined;
  #hasNews = false;
  #isStopping = false;
  #running: Promise<void> | undefined;
  #endPause: () => void = () => {};

  /** @param failure what an earlier process noted */
  constructor(services: PushServices, name: string, failure?: LaneFailure) {
    this.#services = services;
    this.#name = name;
    this.#failure = failure;
  }

  get failure(): LaneFailure | undefined {
    return this.#failure;
  }

  get active(): readonly TransferProgress[] {
    return [...this.#active.values()];
  }

  /** Something was added, or there is room again. */
  wake(): void {
    this.#hasNews = true;
    this.#endPause();
    if (this.#isStopping) return;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
      if (this.#hasNews) this.wake();
    });
  }

  /** Resolves when nothing is under way any more. What is left waits for the next start. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#endPause();
    await this.#running;
    await Promise.all(this.#works);
  }

  /**
   * For a process that does not stay: resolves when nothing is under way and nothing is due. What has to wait is due in
   * a later call.
   * @param untilMs nothing is begun after this moment, in milliseconds since the epoch
   * @throws FileError `unavailable` when the queue cannot be read
   */
  async runDue(untilMs: number): Promise<void> {
    this.#running = this.#beginUntil(untilMs);
    try {
      await this.#running;
    } finally {
      this.#running = undefined;
    }
  }

  async #beginUntil(untilMs: number): Promise<void> {
    try {
      while (this.#services.runtime.now() < untilMs) {
        await this.#beginWhatIsDue();
        if (this.#works.size === 0) return;
        await Promise.race(this.#works);
      }
    } finally {
      await Promise.all(this.#works);
    }
  }

  async #run(): Promise<void> {
    while (!this.#isStopping) {
      this.#hasNews = false;
      const waitMs = await this.#beginWhatIsDue().catch((error: unknown) => {
        this.#services.runtime.log.error("the queue of pushes cannot be read", { destination: this.#name, error });
        return limits.pushReviewMs;
      });
      if (waitMs === undefined) return;
      await this.#pause(waitMs);
    }
  }

  /** @returns how long there is nothing to do; undefined when nothing waits. */
  async #beginWhatIsDue(): Promise<number | undefined> {
    const { destinations, queue, runtime } = this.#services;
    const destination = destinations.find(this.#name);
    const most = destination?.concurrency ?? 1;
    const first = await queue.first(this.#name, most + this.#active.size);
    const waiting = first.filter(({ position }) => !this.#active.has(position));
    if (waiting.length === 0 && this.#active.size === 0) return undefined;
    if (destination?.enabled === false) return limits.pushReviewMs;
    for (const push of waiting) {
      if (push.dueAtMs > runtime.now()) return Math.max(1, Math.min(push.dueAtMs - runtime.now(), limits.pushReviewMs));
      if (this.#active.size >= most) break;
      this.#begin(push);
    }
    return limits.pushReviewMs;
  }

  #begin(push: QueuedPush): void {
    const { event, attempts, position } = push;
    const progress: TransferProgress = {
      direction: "push",
      destination: this.#name,
      account: event.account?.name ?? "",
      path: String(event.data.path),
      remotePath: "",
      bytes: undefined,
      movedBytes: 0,
      startedAtMs: this.#services.runtime.now(),
      attempts: attempts + 1,
    };
    this.#active.set(position, progress);
    const work = this.#work(push, progress)
      .catch((error: unknown) => this.#setBack(push, error))
      .finally(() => {
        this.#active.delete(position);
        this.#works.delete(work);
        this.wake();
      });
    this.#works.add(work);
  }

  async #work(push: QueuedPush, progress: TransferProgress): Promise<void> {
    const { queue, deadLetters } = this.#services;
    const handler = this.#services.handlerFor(this.#pushing(progress));
    try {
      await handler.handle(push.event);
      this.#failure = undefined;
      await deadLetters.remove(deadLetterId(handler.name, push.event.id));
    } catch (error) {
      if (!(error instanceof WorkDeferred)) return this.#failed(push, handler, error);
    }
    await queue.settle(push.position);
  }

  /** Here it is the turn of this destination; another one has a lane of its own. */
  #pushing(progress: TransferProgress): Pushing {
    const { destinations, defer } = this.#services;
    return {
      turnFor: async (event, name): Promise<RemoteTurn> => {
        if (name !== this.#name) return defer(event, name);
        const access = destinations.access(name);
        const { destination, pace } = access;
        return { destination, pace, progress, withSite: (work) => access.withSite(work) };
      },
    };
  }

  async #failed(push: QueuedPush, handler: EventHandler, error: unknown): Promise<void> {
    const { queue, runtime } = this.#services;
    if (this.#isStopping) return;
    if (error instanceof WorkBusy) {
      await queue.postpone(push.position, { attempts: push.attempts, dueAtMs: runtime.now() + limits.consumerRetryMs });
      return;
    }
    const failure: Failure = { event: push.event, error, attempts: push.attempts + 1 };
    this.#note(failure);
    const retries = this.#retries();
    if (isLasting(error) || failure.attempts >= retries.tries) {
      await this.#giveUp(handler, failure);
      await queue.settle(push.position);
      return;
    }
    const delayMs = retryDelayMs(retries, failure.attempts, runtime.random());
    const dueAtMs = runtime.now() + Math.max(delayMs, askedDelayMs(error));
    await queue.postpone(push.position, { attempts: failure.attempts, dueAtMs });
  }

  async #giveUp(handler: EventHandler, failure: Failure): Promise<void> {
    const { deadLetters, runtime } = this.#services;
    const letter = deadLetterOf(handler.name, failure, runtime);
    if (await handler.givenUp?.(failure)) await deadLetters.remove(letter.id);
    else await deadLetters.put(letter);
  }

  #note({ event, error, attempts }: Failure): void {
    const { runtime } = this.#services;
    const reason = reasonOf(error);
    this.#failure = { at: new Date(runtime.now()).toISOString(), reason };
    const why = error instanceof FileError ? { reason, code: error.code } : { error };
    runtime.log.warn("a push failed", { destination: this.#name, event: event.id, attempts, ...why });
  }

  /** What the lane itself depends on failed: the push stays in the queue. */
  async #setBack({ position, attempts }: QueuedPush, error: unknown): Promise<void> {
    const { queue, runtime } = this.#services;
    runtime.log.error("a push could not be settled", { destination: this.#name, error });
    const dueAtMs = runtime.now() + limits.pushReviewMs;
    await queue.postpone(position, { attempts, dueAtMs }).catch(() => {});
  }

  #retries(): RetryPolicy {
    const tries = this.#services.destinations.find(this.#name)?.tries ?? limits.pushTries;
    return { tries, firstDelayMs: limits.consumerRetryMs, longestDelayMs: limits.pushLongestRetryMs };
  }

  async #pause(waitMs: number): Promise<void> {
    if (this.#isStopping || this.#hasNews) return;
    let stop = () => {};
    await new Promise<void>((resolve) => {
      this.#endPause = resolve;
      stop = this.#services.runtime.every(waitMs, resolve);
    });
    stop();
  }
}

/** How long the site asks to be left alone, up to a bound. */
function askedDelayMs(error: unknown): number {
  const askedMs = error instanceof FileError ? error.retryAfterMs : undefined;
  return Math.min(askedMs ?? 0, limits.pushLongestWaitMs);
}
