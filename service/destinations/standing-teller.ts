import { limits } from "../../core/limits.ts";
import type { Runtime } from "../../ports/runtime.ts";
import type { TransferBoard, TransferStanding } from "../../ports/transfer-board.ts";

export type Standing = Omit<TransferStanding, "holdsUntilMs">;

export interface TellerServices {
  readonly board: TransferBoard;
  readonly runtime: Runtime;
}

export interface ToldDestination {
  readonly destination: string;
  /** What was told before. */
  readonly before: TransferStanding | undefined;
  readonly current: () => Standing;
}

/** Keeps the board told how the transfers of a destination stand, as long as a process works for it. */
export class StandingTeller {
  readonly #services: TellerServices;
  readonly #told: ToldDestination;
  #last: string | undefined;
  #telling: Promise<void> = Promise.resolve();
  #stop: () => void = () => {};

  constructor(services: TellerServices, told: ToldDestination) {
    this.#services = services;
    this.#told = told;
    if (told.before) {
      const { holdsUntilMs: _, ...standing } = told.before;
      this.#last = JSON.stringify(standing);
    }
  }

  /** What cannot be told is told the next time. */
  start(): void {
    const { runtime } = this.#services;
    this.#stop = runtime.every(limits.standingTellMs, () => {
      this.#telling = this.#telling
        .then(() => this.#tell())
        .catch((error: unknown) => runtime.log.warn("it was not told how transfers stand", { error }));
    });
  }

  /** Has the last word. @throws FileError `unavailable` */
  async end(): Promise<void> {
    this.#stop();
    await this.#telling;
    await this.#tell();
  }

  /** Again without a change while something is under way, because it counts for limits.standingHoldsMs only. */
  async #tell(): Promise<void> {
    const { board, runtime } = this.#services;
    const standing = this.#told.current();
    const text = JSON.stringify(standing);
    const isIdle = standing.transfers.length === 0 && standing.runningPulls.length === 0;
    if (isIdle && text === this.#last) return;
    await board.tell(this.#told.destination, { ...standing, holdsUntilMs: runtime.now() + limits.standingHoldsMs });
    this.#last = text;
  }
}
