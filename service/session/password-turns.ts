import { limits } from "../../core/limits.ts";
import { clientNetworkOf } from "../../core/source-address.ts";

interface Line {
  inside: number;
  readonly waiting: (() => void)[];
}

/**
 * Has limits.passwordChecksPerNetwork passwords of one network looked at at the same time; the others wait in line. So
 * many guesses at once are not all looked at before the first of them counts, and no network fills the line of all.
 */
export class PasswordTurns {
  readonly #lines = new Map<string, Line>();

  async pass<T>(address: string, check: () => Promise<T>): Promise<T> {
    const network = clientNetworkOf(address);
    const line = this.#lines.get(network) ?? { inside: 0, waiting: [] };
    this.#lines.set(network, line);
    if (line.inside < limits.passwordChecksPerNetwork) line.inside += 1;
    else await new Promise<void>((resolve) => line.waiting.push(resolve));
    try {
      return await check();
    } finally {
      this.#leave(network, line);
    }
  }

  #leave(network: string, line: Line): void {
    const next = line.waiting.shift();
    if (next) next();
    else line.inside -= 1;
    if (line.inside === 0) this.#lines.delete(network);
  }
}
