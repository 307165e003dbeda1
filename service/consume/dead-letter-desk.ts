import { FileError } from "../../core/errors.ts";
import type { DeadLetter, DeadLetterPage, DeadLetters } from "../../ports/dead-letters.ts";
import type { ReplayOutcome } from "./event-consumer.ts";

/** Tries dead letters of one consumer again, in this process or by handing them to where it runs. */
export interface Replayer {
  /** That of the consumer. */
  readonly name: string;
  /** A letter that is dealt with, or on its way again, is gone. @throws FileError `not-found`. */
  replay(letterId: string): Promise<ReplayOutcome>;
}

/** What was tried in vain, of all consumers: to be looked at and to be tried again. */
export class DeadLetterDesk {
  readonly #deadLetters: DeadLetters;
  readonly #consumers: readonly Replayer[];

  constructor(deadLetters: DeadLetters, consumers: readonly Replayer[]) {
    this.#deadLetters = deadLetters;
    this.#consumers = consumers;
  }

  /** @throws FileError `invalid-argument` for a limit out of range. */
  list(options: { after?: string | undefined; limit: number }): Promise<DeadLetterPage> {
    return this.#deadLetters.list(options);
  }

  /** @throws FileError `not-found`. */
  async find(id: string): Promise<DeadLetter> {
    const letter = await this.#deadLetters.find(id);
    if (!letter) throw new FileError("not-found", "there is no such dead letter");
    return letter;
  }

  /** Hands the event to its consumer once more; a letter that is dealt with is gone. @throws FileError `not-found`. */
  async replay(id: string): Promise<ReplayOutcome> {
    const letter = await this.find(id);
    const consumer = this.#consumers.find(({ name }) => name === letter.consumer);
    if (!consumer) throw new FileError("unavailable", `${letter.consumer} is not running`);
    return consumer.replay(id);
  }
}
