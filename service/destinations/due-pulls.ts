import type { Pull } from "../../core/pull.ts";
import type { TransferProgress } from "../../core/transfer-progress.ts";
import type { Runtime } from "../../ports/runtime.ts";
import type { TransferBoard } from "../../ports/transfer-board.ts";
import { settleRun } from "./pull-record.ts";
import { type RunReport, runPull } from "./pull-run.ts";
import { isInForce, type PullServices } from "./pull-services.ts";

export type DuePullServices = PullServices & { readonly board: TransferBoard };

/** Up to when the schedule of each pull was followed, in milliseconds since the epoch: what came due since is run. */
type Marks = Readonly<Record<string, number>>;

/** The pulls of one destination that are due, or that somebody wants to look, for a process that does not stay. */
export class DuePulls {
  readonly active = new Set<TransferProgress>();
  readonly running = new Set<string>();
  readonly #services: DuePullServices;
  readonly #destination: string;
  #marks: Marks;

  constructor(services: DuePullServices, destination: string, marks: Marks) {
    this.#services = services;
    this.#destination = destination;
    this.#marks = marks;
  }

  get followedMs(): Marks {
    return this.#marks;
  }

  /**
   * @param untilMs no file is begun after this moment, in milliseconds since the epoch
   * @throws the first failure of the record or the board, after every pull had its turn
   */
  async runDue(untilMs: number): Promise<void> {
    const { board } = this.#services;
    const pulls = this.#pulls();
    const asked = pulls.length === 0 ? new Set() : await board.asked();
    const changed = new Map<string, number>();
    const look = async (pull: Pull) => {
      const before = this.#marks[pull.name];
      if (before !== undefined) changed.set(pull.name, before);
      changed.set(pull.name, await this.#followed(pull, { mark: before, isAsked: asked.has(pull.name), untilMs }));
    };
    const results = await Promise.allSettled(pulls.map(look));
    // One that is out of force has no mark: it begins anew.
    this.#marks = Object.fromEntries(changed);
    throwFirst(results);
  }

  #pulls(): readonly Pull[] {
    const { pulls } = this.#services;
    return pulls().filter((pull) => pull.destination === this.#destination && isInForce(this.#services, pull));
  }

  /** Runs a pull if it is due. Answers its new mark: the old one where time did not suffice for all files. */
  async #followed(pull: Pull, { mark, isAsked, untilMs }: Turn): Promise<number> {
    const { runtime, calendar, board } = this.#services;
    const nowMs = runtime.now();
    // A pull that is new begins with what its schedule names next.
    const dueMs = calendar.next(pull.schedule, mark ?? nowMs);
    const isDue = mark !== undefined && dueMs !== undefined && dueMs <= nowMs;
    if (!isDue && !isAsked) return nowMs;
    if (nowMs >= untilMs) return mark ?? nowMs;
    const report = await this.#run(pull, untilMs);
    if (runtime.now() >= untilMs && hasLeft(report)) return mark ?? nowMs;
    // Whoever asked while it was at it has had it, too.
    if (isAsked) await board.answer(pull.name);
    return nowMs;
  }

  async #run(pull: Pull, untilMs: number): Promise<RunReport> {
    const { runtime } = this.#services;
    const isStopping = () => runtime.now() >= untilMs;
    const sleep = (ms: number) => sleepOf(runtime, ms);
    this.running.add(pull.name);
    try {
      const report = await runPull(this.#services, pull, { active: this.active, isStopping, sleep });
      await settleRun(this.#services, pull, report);
      return report;
    } finally {
      this.running.delete(pull.name);
    }
  }
}

interface Turn {
  readonly mark: number | undefined;
  readonly isAsked: boolean;
  readonly untilMs: number;
}

/** Files that were there and have not been tried. */
function hasLeft({ run: { files, fetched, known, failed } }: RunReport): boolean {
  return files > fetched + known + failed;
}

/** Resolves after that time, or sooner when it is over. */
export async function sleepOf(runtime: Pick<Runtime, "every">, ms: number, over?: Promise<void>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const stop = runtime.every(Math.max(1, ms), resolve);
  void over?.then(resolve);
  await promise;
  stop();
}

export function throwFirst(results: readonly PromiseSettledResult<unknown>[]): void {
  const failure = results.find((result) => result.status === "rejected");
  if (failure) throw failure.reason;
}
