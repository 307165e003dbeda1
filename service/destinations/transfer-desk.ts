import type { Pull } from "../../core/pull.ts";
import { addressText } from "../../core/remote-destination.ts";
import type { LaneFailure, TransferProgress } from "../../core/transfer-progress.ts";
import type { Destinations } from "./destination-access.ts";
import type { PullScheduler, PullState } from "./pull-scheduler.ts";
import type { PushLanes } from "./push-lanes.ts";

export interface DestinationState {
  readonly name: string;
  readonly url: string;
  readonly enabled: boolean;
  /** Pushes that wait for their turn or for their next try. */
  readonly waiting: number;
  /** What went wrong last, until a push goes well. */
  readonly failure: LaneFailure | undefined;
}

export interface NamedPullState extends PullState {
  readonly name: string;
  readonly destination: string;
}

/** How pushes and pulls stand at this moment. */
export interface TransferState {
  readonly destinations: readonly DestinationState[];
  /** What is under way. */
  readonly transfers: readonly TransferProgress[];
  readonly pulls: readonly NamedPullState[];
}

/** Pushes and pulls for those who look after them. */
export interface TransferDesk {
  /** @throws FileError `unavailable`. */
  state(): Promise<TransferState>;
  /**
   * Lets a pull look now. @throws FileError `not-found`; `precondition-failed` for one that is out of force;
   * `unavailable`
   */
  runPull(name: string): Promise<void>;
}

/** Of the process that does the work. */
export class ResidentTransferDesk implements TransferDesk {
  readonly #destinations: Destinations;
  readonly #lanes: PushLanes;
  readonly #scheduler: PullScheduler;
  readonly #pulls: () => readonly Pull[];

  constructor(parts: {
    readonly destinations: Destinations;
    readonly lanes: PushLanes;
    readonly scheduler: PullScheduler;
    readonly pulls: () => readonly Pull[];
  }) {
    this.#destinations = parts.destinations;
    this.#lanes = parts.lanes;
    this.#scheduler = parts.scheduler;
    this.#pulls = parts.pulls;
  }

  async state(): Promise<TransferState> {
    const lanes = await this.#lanes.states();
    const destinations = this.#destinations.all().map(({ name, address, enabled }): DestinationState => {
      const { waiting = 0, failure } = lanes.get(name) ?? {};
      return { name, url: addressText(address), enabled, waiting, failure };
    });
    const pulls: NamedPullState[] = [];
    for (const pull of this.#pulls()) {
      pulls.push({ name: pull.name, destination: pull.destination, ...(await this.#scheduler.state(pull)) });
    }
    const pushes = [...lanes.values()].flatMap(({ active }) => active);
    return { destinations, transfers: [...pushes, ...this.#scheduler.active], pulls };
  }

  async runPull(name: string): Promise<void> {
    this.#scheduler.runNow(name);
  }
}
