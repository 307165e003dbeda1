import { limits } from "../../core/limits.ts";
import type { Pull } from "../../core/pull.ts";
import type { TransferProgress } from "../../core/transfer-progress.ts";
import type { PullRun } from "../../ports/pull-memory.ts";
import { rememberCutOff, settleRun } from "./pull-record.ts";
import { runPull } from "./pull-run.ts";
import { isInForce, type PullServices, pullInForce } from "./pull-services.ts";

/** How a pull stands. Times are ISO 8601. */
export interface PullState {
  readonly isRunning: boolean;
  /** When it looks next by its schedule; undefined for one that is out of force. */
  readonly nextRunAt: string | undefined;
  readonly lastRun: PullRun | undefined;
}

interface Plan {
  readonly pull: Pull;
  readonly nextMs: number | undefined;
}

/** Runs pulls when they are due, each at most once at a time. What was missed while no server ran is not made up. */
export class PullScheduler {
  readonly #services: PullServices;
  readonly #active = new Set<TransferProgress>();
  readonly #plans = new Map<string, Plan>();
  readonly #running = new Map<string, Promise<void>>();
  readonly #wakes = new Set<() => void>();
  #isStopping = false;
  #stopChecking = () => {};

  constructor(services: PullServices) {
    this.#services = services;
  }

  get active(): readonly TransferProgress[] {
    return [...this.#active];
  }

  start(): void {
    this.#check();
    this.#stopChecking = this.#services.runtime.every(limits.pullCheckMs, () => this.#check());
  }

  /** Begins no more; resolves when nothing is under way any more. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#stopChecking();
    for (const wake of this.#wakes) wake();
    await Promise.all(this.#running.values());
  }

  /** Lets a pull look now, unless it is at it. @throws FileError `not-found`; `precondition-failed` out of force */
  runNow(name: string): void {
    this.#begin(pullInForce(this.#services, name));
  }

  /** @throws FileError `unavailable`. */
  async state(pull: Pull): Promise<PullState> {
    const nextMs = isInForce(this.#services, pull) ? this.#planOf(pull).nextMs : undefined;
    return {
      isRunning: this.#running.has(pull.name),
      nextRunAt: nextMs === undefined ? undefined : new Date(nextMs).toISOString(),
      lastRun: await this.#services.memory.run(pull.name),
    };
  }

  #check(): void {
    const nowMs = this.#services.runtime.now();
    for (const pull of this.#services.pulls()) {
      if (!isInForce(this.#services, pull)) {
        this.#plans.delete(pull.name);
        continue;
      }
      const { nextMs } = this.#planOf(pull);
      if (nextMs === undefined || nextMs > nowMs) continue;
      this.#plans.delete(pull.name);
      this.#begin(pull);
    }
  }

  #planOf(pull: Pull): Plan {
    const known = this.#plans.get(pull.name);
    if (known?.pull === pull) return known;
    const plan = { pull, nextMs: this.#services.calendar.next(pull.schedule, this.#services.runtime.now()) };
    this.#plans.set(pull.name, plan);
    return plan;
  }

  #begin(pull: Pull): void {
    if (this.#isStopping || this.#running.has(pull.name)) return;
    const work = this.#run(pull)
      .catch((error: unknown) => this.#services.runtime.log.error("a pull failed", { pull: pull.name, error }))
      .finally(() => this.#running.delete(pull.name));
    this.#running.set(pull.name, work);
  }

  async #run(pull: Pull): Promise<void> {
    const report = await runPull(this.#services, pull, {
      active: this.#active,
      isStopping: () => this.#isStopping,
      sleep: (ms) => this.#sleep(ms),
    });
    await (this.#isStopping ? rememberCutOff : settleRun)(this.#services, pull, report);
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        stop();
        this.#wakes.delete(end);
        resolve();
      };
      const stop = this.#services.runtime.every(Math.max(1, ms), end);
      this.#wakes.add(end);
    });
  }
}
