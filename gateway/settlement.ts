import { limits } from "../core/limits.ts";
import type { Leases } from "../ports/leases.ts";
import type { Runtime } from "../ports/runtime.ts";
import type { Reconciliation } from "../service/session/reconcile.ts";

/** What was given its end. */
export interface Settled extends Reconciliation {
  readonly sessions: number;
}

export interface SettlementOptions {
  readonly leases: Leases;
  readonly taskId: string;
  /** Ends what dead tasks left under way. Safe to repeat. */
  readonly endLeft: () => Promise<Settled>;
  readonly runtime: Pick<Runtime, "every" | "log">;
}

const settlementLease = { group: "settlement", name: "transfers", leaseMs: limits.settleLeaseMs };

/**
 * Again and again one of the living tasks settles what dead ones left: one at a time, because whoever discards what is
 * staged takes from another the answer to whether it was published.
 */
export class Settlement {
  readonly #options: SettlementOptions;
  #stopRepeating: (() => void) | undefined;
  #running: Promise<void> | undefined;

  constructor(options: SettlementOptions) {
    this.#options = options;
  }

  /** Settles once, then every limits.settleMs. */
  async start(): Promise<void> {
    this.#stopRepeating = this.#options.runtime.every(limits.settleMs, () => void this.settle());
    await this.settle();
  }

  /** Once; what fails is tried again the next time. */
  settle(): Promise<void> {
    this.#running ??= this.#settle()
      .catch((error: unknown) => this.#options.runtime.log.error("what dead tasks left is not settled", { error }))
      .finally(() => {
        this.#running = undefined;
      });
    return this.#running;
  }

  /** Resolves when nothing is under way any more. */
  async stop(): Promise<void> {
    this.#stopRepeating?.();
    await this.#running;
  }

  async #settle(): Promise<void> {
    const { leases, taskId, endLeft, runtime } = this.#options;
    if (!(await leases.take({ ...settlementLease, owner: taskId }))) return;
    // A large file takes long to be read again for its digest.
    const stopRenewing = runtime.every(limits.settleLeaseMs / 4, () => {
      leases.take({ ...settlementLease, owner: taskId }).catch(() => {});
    });
    try {
      const settled = await endLeft();
      if (Object.values(settled).some((count) => count > 0)) {
        runtime.log.warn("what tasks that died left has been settled", { ...settled });
      }
    } finally {
      stopRenewing();
      await leases.release(settlementLease.group, settlementLease.name, taskId);
    }
  }
}
