import { limits as productLimits } from "../../core/limits.ts";

/** The place of one connection among those that the server holds. */
export interface Admission {
  /** The client has logged in: it no longer counts among the strangers. */
  authenticated(): void;
  release(): void;
}

/** How many connections there may be: in all, without a login, and of these from one address. */
export type AdmissionLimits = {
  readonly [Name in "connections" | "unauthenticatedConnections" | "unauthenticatedConnectionsPerAddress"]: number;
};

/** A connection that has not logged in. */
interface Stranger {
  readonly address: string;
  /** Closes it. */
  readonly evict: () => void;
}

/** Counts connections, and those that have not logged in, so that strangers cannot take every place. */
export class ConnectionCounter {
  readonly #limits: AdmissionLimits;
  /** In the order in which they came. */
  readonly #strangers = new Set<Stranger>();
  readonly #strangersByAddress = new Map<string, number>();
  #connections = 0;

  constructor(limits: AdmissionLimits = productLimits) {
    this.#limits = limits;
  }

  get strangers(): number {
    return this.#strangers.size;
  }

  /**
   * Undefined when the server is full. Where only the strangers are too many, the one that has had the most time to
   * log in is evicted for the new one: whoever opens connections without end loses his own, and keeps nobody out.
   */
  admit(address: string, evict: () => void): Admission | undefined {
    if (this.#connections >= this.#limits.connections) return undefined;
    this.#makeRoom(address);
    const stranger = { address, evict };
    this.#connections += 1;
    this.#strangers.add(stranger);
    this.#strangersByAddress.set(address, this.#countOf(address) + 1);
    return this.#admission(stranger);
  }

  #makeRoom(address: string): void {
    const isAddressFull = this.#countOf(address) >= this.#limits.unauthenticatedConnectionsPerAddress;
    if (!isAddressFull && this.#strangers.size < this.#limits.unauthenticatedConnections) return;
    const oldest = [...this.#strangers].find((stranger) => !isAddressFull || stranger.address === address);
    if (!oldest) return;
    this.#forget(oldest);
    oldest.evict();
  }

  #admission(stranger: Stranger): Admission {
    let isCounted = true;
    return {
      authenticated: () => this.#forget(stranger),
      release: () => {
        this.#forget(stranger);
        if (isCounted) this.#connections -= 1;
        isCounted = false;
      },
    };
  }

  /** Harmless for one that was forgotten before. */
  #forget(stranger: Stranger): void {
    if (!this.#strangers.delete(stranger)) return;
    const left = this.#countOf(stranger.address) - 1;
    if (left > 0) this.#strangersByAddress.set(stranger.address, left);
    else this.#strangersByAddress.delete(stranger.address);
  }

  #countOf(address: string): number {
    return this.#strangersByAddress.get(address) ?? 0;
  }
}
