import { FileError } from "../../core/errors.ts";
import type { QuarantineBounds } from "../../core/held-file.ts";
import { limits } from "../../core/limits.ts";

interface Holding {
  readonly accountName: string;
  readonly bytes: number;
}

interface Amount {
  files: number;
  bytes: number;
}

/**
 * What is in quarantine or on its way there. When it is full no more is taken in: nothing makes room for new files
 * before its time, so that nobody can flush out what an operator has yet to see. One account gets a part of the room
 * only, so that it cannot keep the others from uploading.
 */
export class QuarantineRoom {
  readonly #bounds: () => QuarantineBounds;
  readonly #holdings = new Map<string, Holding>();
  readonly #amounts = new Map<string, Amount>();
  readonly #all: Amount = { files: 0, bytes: 0 };

  constructor(bounds: () => QuarantineBounds) {
    this.#bounds = bounds;
  }

  /** Takes room for more of a file. @throws FileError `quota-exceeded`; what was taken before stays so. */
  take(transferId: string, accountName: string, bytes: number): void {
    const known = this.#holdings.get(transferId);
    const more = { files: known ? 0 : 1, bytes };
    const { files, bytes: most } = this.#bounds();
    const full = (share: number) => ({ files: Math.ceil(files / share), bytes: Math.ceil(most / share) });
    if (exceeds(this.#all, more, full(1))) {
      throw new FileError("quota-exceeded", "the quarantine is full, and the file has to be scanned");
    }
    if (exceeds(this.#amountOf(accountName), more, full(limits.quarantineShare))) {
      const message = `the account ${accountName} has no more room in quarantine, and the file has to be scanned`;
      throw new FileError("quota-exceeded", message);
    }
    this.hold(transferId, { accountName, bytes: (known?.bytes ?? 0) + bytes });
  }

  /** What is there, whether or not there is room for it. */
  hold(transferId: string, holding: Holding): void {
    this.leave(transferId);
    this.#holdings.set(transferId, holding);
    this.#add(holding, 1);
  }

  /** Harmless where nothing is held. */
  leave(transferId: string): void {
    const holding = this.#holdings.get(transferId);
    if (!holding) return;
    this.#holdings.delete(transferId);
    this.#add(holding, -1);
  }

  #add({ accountName, bytes }: Holding, sign: 1 | -1): void {
    const own = this.#amountOf(accountName);
    for (const amount of [this.#all, own]) {
      amount.files += sign;
      amount.bytes += sign * bytes;
    }
    if (own.files === 0) this.#amounts.delete(accountName);
    else this.#amounts.set(accountName, own);
  }

  #amountOf(accountName: string): Amount {
    return this.#amounts.get(accountName) ?? { files: 0, bytes: 0 };
  }
}

function exceeds(held: Amount, more: Amount, most: QuarantineBounds): boolean {
  return held.files + more.files > most.files || held.bytes + more.bytes > most.bytes;
}
