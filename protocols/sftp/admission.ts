import type { SftpLimits } from "./request-context.ts";

/** Counts connections before they log in: all of them, and those of each address. */
export class UnauthenticatedConnections {
  readonly #limits: SftpLimits;
  readonly #countOf = new Map<string, number>();
  #total = 0;

  constructor(limits: SftpLimits) {
    this.#limits = limits;
  }

  get total(): number {
    return this.#total;
  }

  /** False when there are too many; otherwise `leave` must follow once. */
  enter(address: string): boolean {
    const count = this.#countOf.get(address) ?? 0;
    const { unauthenticatedConnections, unauthenticatedConnectionsPerAddress } = this.#limits;
    if (this.#total >= unauthenticatedConnections || count >= unauthenticatedConnectionsPerAddress) return false;
    this.#total += 1;
    this.#countOf.set(address, count + 1);
    return true;
  }

  leave(address: string): void {
    this.#total -= 1;
    const count = (this.#countOf.get(address) ?? 1) - 1;
    if (count === 0) this.#countOf.delete(address);
    else this.#countOf.set(address, count);
  }
}
