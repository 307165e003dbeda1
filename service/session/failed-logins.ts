import { limits } from "../../core/limits.ts";
import { clientNetworkOf } from "../../core/source-address.ts";

interface Failures {
  readonly sinceMs: number;
  readonly count: number;
}

/**
 * Counts refused logins by the network of the client, so that passwords cannot be tried without end: after
 * limits.failedLogins within limits.failedLoginsMs, counted from the first, it has to wait for the rest of that time.
 */
export class FailedLogins {
  readonly #byNetwork = new Map<string, Failures>();

  /** How long the address has to wait, in milliseconds; 0 when it may log in. */
  waitMs(address: string, nowMs: number): number {
    const failures = this.#current(address, nowMs);
    if (!failures || failures.count < limits.failedLogins) return 0;
    return failures.sinceMs + limits.failedLoginsMs - nowMs;
  }

  add(address: string, nowMs: number): void {
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
