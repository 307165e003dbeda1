import { limits } from "../../core/limits.ts";
import { clientNetworkOf } from "../../core/source-address.ts";
import type { FailedLogins } from "../../ports/failed-logins.ts";

interface Failures {
  readonly sinceMs: number;
  readonly count: number;
}

/** Those of one process. */
export class OwnFailedLogins implements FailedLogins {
  readonly #byNetwork = new Map<string, Failures>();

  async waitMs(address: string, nowMs: number): Promise<number> {
    const failures = this.#current(address, nowMs);
    if (!failures || failures.count < limits.failedLogins) return 0;
    return failures.sinceMs + limits.failedLoginsMs - nowMs;
  }

  async add(address: string, nowMs: number): Promise<void> {
    const { sinceMs, count } = this.#current(address, nowMs) ?? { sinceMs: nowMs, count: 0 };
    const network = clientNetworkOf(address);
    this.#byNetwork.delete(network);
    this.#byNetwork.set(network, { sinceMs, count: count + 1 });
    const [oldest] = this.#byNetwork.keys();
    if (this.#byNetwork.size > limits.failedLoginAddresses && oldest !== undefined) this.#byNetwork.delete(oldest);
  }

  #current(address: string, nowMs: number): Failures | undefined {
    const failures = this.#byNetwork.get(clientNetworkOf(address));
    return failures && nowMs < failures.sinceMs + limits.failedLoginsMs ? failures : undefined;
  }
}
