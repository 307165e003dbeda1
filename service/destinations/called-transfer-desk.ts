import type { Pull } from "../../core/pull.ts";
import { addressText, type RemoteDestination } from "../../core/remote-destination.ts";
import type { CronCalendar } from "../../ports/cron-calendar.ts";
import type { PullMemory } from "../../ports/pull-memory.ts";
import type { PushQueue } from "../../ports/push-queue.ts";
import type { Runtime } from "../../ports/runtime.ts";
import type { TransferBoard, TransferStanding } from "../../ports/transfer-board.ts";
import { isInForce, type KnownPulls, pullInForce } from "./pull-services.ts";
import type { DestinationState, NamedPullState, TransferDesk, TransferState } from "./transfer-desk.ts";

export interface CalledDeskServices {
  /** Brings what these two answer up to date. */
  readonly refresh: () => Promise<void>;
  readonly destinations: () => readonly RemoteDestination[];
  readonly pulls: () => readonly Pull[];
  readonly queue: Pick<PushQueue, "waiting">;
  readonly memory: Pick<PullMemory, "run">;
  readonly board: TransferBoard;
  readonly calendar: CronCalendar;
  readonly runtime: Runtime;
  /** Has those called at once who push and pull; their schedule calls them anyway. */
  readonly call: () => Promise<void>;
}

/** Looks at pushes and pulls from outside: other processes, which do not stay, do the work and tell the board. */
export class CalledTransferDesk implements TransferDesk {
  readonly #services: CalledDeskServices;

  constructor(services: CalledDeskServices) {
    this.#services = services;
  }

  async state(): Promise<TransferState> {
    const { board, destinations, pulls, queue, refresh, runtime } = this.#services;
    const [waiting, told] = await Promise.all([queue.waiting(), board.standings(), refresh()]);
    const standings = new Map([...told].map(([name, standing]) => [name, atPresent(standing, runtime.now())]));
    const counts = new Map(waiting.map(({ destination, count }) => [destination, count]));
    return {
      destinations: destinations().map((one) => stateOf(one, counts.get(one.name) ?? 0, standings.get(one.name))),
      transfers: [...standings.values()].flatMap(({ transfers }) => transfers),
      pulls: await Promise.all(pulls().map((pull) => this.#pullState(pull, standings.get(pull.destination)))),
    };
  }

  /** It begins within seconds, or with the next call of the schedule where nobody can be called now. */
  async runPull(name: string): Promise<void> {
    const { board, call, pulls, refresh, runtime } = this.#services;
    await refresh();
    pullInForce({ pulls, destinations: this.#destinations }, name);
    await board.ask(name);
    await call().catch((error: unknown) =>
      runtime.log.warn("a pull waits for the next schedule", { pull: name, error }),
    );
  }

  get #destinations(): KnownPulls["destinations"] {
    return { find: (name) => this.#services.destinations().find((one) => one.name === name) };
  }

  async #pullState(pull: Pull, standing: TransferStanding | undefined): Promise<NamedPullState> {
    const { calendar, memory, runtime } = this.#services;
    const { name, destination, schedule } = pull;
    const followedMs = standing?.followedMs[name] ?? runtime.now();
    const inForce = isInForce({ destinations: this.#destinations }, pull);
    const nextMs = inForce ? calendar.next(schedule, followedMs) : undefined;
    return {
      name,
      destination,
      isRunning: standing?.runningPulls.includes(name) ?? false,
      nextRunAt: nextMs === undefined ? undefined : new Date(nextMs).toISOString(),
      lastRun: await memory.run(name),
    };
  }
}

/** Without what a process told that has not been heard of since. */
function atPresent(standing: TransferStanding, nowMs: number): TransferStanding {
  return nowMs < standing.holdsUntilMs ? standing : { ...standing, transfers: [], runningPulls: [] };
}

function stateOf(
  { name, address, enabled }: RemoteDestination,
  queued: number,
  { transfers, failure }: Pick<TransferStanding, "transfers" | "failure"> = { transfers: [] },
): DestinationState {
  const pushes = transfers.filter(({ direction }) => direction === "push");
  return { name, url: addressText(address), enabled, waiting: Math.max(0, queued - pushes.length), failure };
}
