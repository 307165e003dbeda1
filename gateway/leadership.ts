import { limits } from "../core/limits.ts";
import type { Leases } from "../ports/leases.ts";
import type { Runtime } from "../ports/runtime.ts";

export interface LeadershipOptions {
  readonly leases: Leases;
  /** Where other tasks reach this one: `10.0.1.7:5000`. */
  readonly address: string;
  readonly runtime: Pick<Runtime, "now" | "log">;
}

type LeaderListener = (leader: string | undefined, before: string | undefined) => void;

const leaderLease = { group: "leader", name: "gateway" };

/**
 * One task of all leads for as long as it renews its lease. The others learn who it is, and one of them leads as soon
 * as the lease ends. A leader that cannot renew stops leading before its lease ends for the others.
 */
export class Leadership {
  readonly #options: LeadershipOptions;
  readonly #listeners = new Set<LeaderListener>();
  #leadsUntilMs = 0;
  #leader: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  #hasResigned = false;
  #hasStopped = false;

  constructor(options: LeadershipOptions) {
    this.#options = options;
  }

  get isLeader(): boolean {
    return this.#options.runtime.now() < this.#leadsUntilMs;
  }

  /** The address of the leader as of the latest look; undefined while there is none. */
  get leader(): string | undefined {
    return this.#leader;
  }

  /** Looks and goes on looking, until {@link stop}. */
  async start(): Promise<void> {
    const nextMs = await this.renew();
    if (this.#hasStopped) return;
    this.#timer = setTimeout(() => void this.start(), nextMs).unref();
  }

  /** Calls `listener` when another task leads, or none. The answer ends that. */
  onChange(listener: LeaderListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** A leader, waited for at most this long; another one than `before`, which does not answer. */
  untilKnown(withinMs: number, before?: string): Promise<string | undefined> {
    const isWanted = (leader: string | undefined) => leader !== undefined && leader !== before;
    if (isWanted(this.#leader)) return Promise.resolve(this.#leader);
    return new Promise((resolve) => {
      const settle = (leader: string | undefined) => {
        clearTimeout(timer);
        stop();
        resolve(leader);
      };
      const timer = setTimeout(settle, withinMs, undefined);
      const stop = this.onChange((leader) => isWanted(leader) && settle(leader));
    });
  }

  /** Asks for the lease once. Answers after how many milliseconds to ask again: when it ends, or has to be renewed. */
  async renew(): Promise<number> {
    const { leases, runtime, address } = this.#options;
    const askedAtMs = runtime.now();
    try {
      if (await this.#take()) return this.#lead(askedAtMs);
      const lease = await leases.find(leaderLease.group, leaderLease.name);
      this.#follow(lease?.owner);
      const leftMs = (lease?.endsAtMs ?? 0) - runtime.now();
      return Math.min(Math.max(leftMs, limits.leaderRetryMs), limits.leaderRenewMs);
    } catch (error) {
      runtime.log.error("the lease of the leader cannot be asked for", { error });
      if (this.#leader === address && !this.isLeader) this.#follow(undefined);
      return limits.leaderRetryMs;
    }
  }

  /** Another may lead at once. This task goes on looking who does, and does not lead again. */
  async resign(): Promise<void> {
    this.#hasResigned = true;
    this.#follow(undefined);
    const { leases, address, runtime } = this.#options;
    await leases.release(leaderLease.group, leaderLease.name, address).catch((error: unknown) => {
      runtime.log.warn("the lease of the leader is left to expire", { error });
    });
  }

  stop(): void {
    this.#hasStopped = true;
    clearTimeout(this.#timer);
  }

  /** A lease that is given while this task resigns goes back. */
  async #take(): Promise<boolean> {
    if (this.#hasResigned) return false;
    const { leases, address } = this.#options;
    const isTaken = await leases.take({ ...leaderLease, owner: address, leaseMs: limits.leaderLeaseMs });
    if (isTaken && this.#hasResigned) await this.resign();
    return isTaken && !this.#hasResigned;
  }

  /** By the time at which it was asked for, and less, because clocks differ. */
  #lead(askedAtMs: number): number {
    this.#leadsUntilMs = askedAtMs + limits.leaderLeaseMs - limits.leaderMarginMs;
    this.#change(this.#options.address);
    return limits.leaderRenewMs;
  }

  #follow(leader: string | undefined): void {
    this.#leadsUntilMs = 0;
    this.#change(leader === this.#options.address ? undefined : leader);
  }

  #change(leader: string | undefined): void {
    const before = this.#leader;
    if (leader === before) return;
    this.#leader = leader;
    const { runtime, address } = this.#options;
    runtime.log.info(leader === address ? "this task leads" : "another task leads", { leader, before });
    for (const listener of [...this.#listeners]) listener(leader, before);
  }
}
