import { limits } from "../../core/limits.ts";

/** The place of one connection among those that the server holds. */
export interface Admission {
  /** The client has logged in: it no longer counts among the strangers. */
  authenticated(): void;
  release(): void;
}

/** Counts connections, and those that have not logged in, so that strangers cannot take every place. */
export class ConnectionCounter {
  readonly #strangersByAddress = new Map<string, number>();
  #connections = 0;
  #strangers = 0;

  /** Undefined when there is no place for one more connection from this address. */
  admit(address: string): Admission | undefined {
    const fromAddress = this.#strangersByAddress.get(address) ?? 0;
    if (
      this.#connections >= limits.connections ||
      this.#strangers >= limits.unauthenticatedConnections ||
      fromAddress >= limits.unauthenticatedConnectionsPerAddress
    ) {
      return undefined;
    }
    this.#connections += 1;
    this.#strangers += 1;
    this.#strangersByAddress.set(address, fromAddress + 1);
    return this.#admission(address);
  }

  #admission(address: string): Admission {
    let [isStranger, isCounted] = [true, true];
    const authenticated = () => {
      if (isStranger) this.#removeStranger(address);
      isStranger = false;
    };
    return {
      authenticated,
      release: () => {
        authenticated();
        if (isCounted) this.#connections -= 1;
        isCounted = false;
      },
    };
  }

  #removeStranger(address: string): void {
    this.#strangers -= 1;
    const left = (this.#strangersByAddress.get(address) ?? 1) - 1;
    if (left > 0) this.#strangersByAddress.set(address, left);
    else this.#strangersByAddress.delete(address);
  }
}
