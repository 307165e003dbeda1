import type { AlertLane } from "../../core/alert-rule.ts";
import type { AlertServices } from "./alert-services.ts";
import { LaneSender } from "./lane-sender.ts";

/** Empties the outbox: each lane in its order, the lanes independently of each other. */
export class AlertSender {
  readonly #services: AlertServices;
  readonly #lanes = new Map<string, LaneSender>();
  #isStopping = false;

  constructor(services: AlertServices) {
    this.#services = services;
  }

  /** Goes on with what an earlier process left. @throws FileError `unavailable`. */
  async start(): Promise<void> {
    for (const lane of await this.#services.outbox.lanes()) this.wake(lane);
  }

  /** Something was added to the lane. */
  wake(lane: AlertLane): void {
    if (this.#isStopping) return;
    const name = `${lane.target} ${lane.rule}`;
    const sender = this.#lanes.get(name) ?? new LaneSender(this.#services, lane);
    this.#lanes.set(name, sender);
    sender.wake();
  }

  /** Resolves when nothing is being sent any more; what waits stays in the outbox. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await Promise.all([...this.#lanes.values()].map((lane) => lane.stop()));
  }
}
