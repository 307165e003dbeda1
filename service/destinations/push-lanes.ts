import type { AccountingEvent } from "../../core/accounting-event.ts";
import type { LaneFailure, TransferProgress } from "../../core/transfer-progress.ts";
import { WorkDeferred } from "../consume/retry.ts";
import type { Pushing } from "../dispatch/dispatch-services.ts";
import { PushLane } from "./push-lane.ts";
import type { PushServices } from "./push-services.ts";
import { queuePush } from "./queue-push.ts";

/** What waits for a destination, and what is under way. */
export interface LaneState {
  readonly waiting: number;
  readonly active: readonly TransferProgress[];
  readonly failure: LaneFailure | undefined;
}

/** Sends files to destinations, each of which has a lane of its own. */
export class PushLanes {
  readonly #services: PushServices;
  readonly #lanes = new Map<string, PushLane>();

  constructor(services: Omit<PushServices, "defer">) {
    this.#services = { ...services, defer: (event, destination) => this.#defer(event, destination) };
  }

  /** For those who must not wait for a destination: the event goes on in its lane. */
  get pushing(): Pushing {
    return { turnFor: (event, destination) => this.#defer(event, destination) };
  }

  /** Goes on with what an earlier process left. @throws FileError `unavailable`. */
  async start(): Promise<void> {
    for (const { destination } of await this.#services.queue.waiting()) this.#lane(destination).wake();
  }

  /** Resolves when nothing is under way any more. */
  async stop(): Promise<void> {
    await Promise.all([...this.#lanes.values()].map((lane) => lane.stop()));
  }

  /** By the name of the destination. @throws FileError `unavailable`. */
  async states(): Promise<ReadonlyMap<string, LaneState>> {
    const counts = new Map(
      (await this.#services.queue.waiting()).map(({ destination, count }) => [destination, count]),
    );
    const names = new Set([...counts.keys(), ...this.#lanes.keys()]);
    return new Map(
      [...names].map((name) => {
        const lane = this.#lanes.get(name);
        const active = lane?.active ?? [];
        const waiting = Math.max(0, (counts.get(name) ?? 0) - active.length);
        return [name, { waiting, active, failure: lane?.failure }];
      }),
    );
  }

  async #defer(event: AccountingEvent, destination: string): Promise<never> {
    try {
      return await queuePush(this.#services, event, destination);
    } catch (error) {
      if (error instanceof WorkDeferred) this.#lane(destination).wake();
      throw error;
    }
  }

  #lane(destination: string): PushLane {
    const lane = this.#lanes.get(destination) ?? new PushLane(this.#services, destination);
    this.#lanes.set(destination, lane);
    return lane;
  }
}
