import { limits } from "../../core/limits.ts";
import type { AccountingLog } from "../../ports/accounting-log.ts";
import type { ConfigurationStore } from "../../ports/configuration-store.ts";
import type { Log, Runtime } from "../../ports/runtime.ts";

/** Brings the events of changes from the store, which kept them with the change, into the accounting record. */
export class ChangeRecorder {
  readonly #store: Pick<ConfigurationStore, "unrecordedEvents" | "eventsRecorded">;
  readonly #accounting: Pick<AccountingLog, "append">;
  #last: Promise<void> = Promise.resolve();

  constructor(
    store: Pick<ConfigurationStore, "unrecordedEvents" | "eventsRecorded">,
    accounting: Pick<AccountingLog, "append">,
  ) {
    this.#store = store;
    this.#accounting = accounting;
  }

  /**
   * Resolves when every event that was kept before is on record. An event that is on record already is not recorded
   * again, whoever recorded it. @throws FileError `unavailable`; then a later call tries again.
   */
  record(): Promise<void> {
    this.#last = this.#last.catch(() => {}).then(() => this.#recordAll());
    return this.#last;
  }

  /** As `record`, for nobody who waits: a failure is logged. */
  recordSoon(log: Pick<Log, "error">): void {
    this.record().catch((error: unknown) =>
      log.error("changes of the configuration could not be recorded", { error: `${error}` }),
    );
  }

  /** Records again and again what a failure or another process left. @returns what ends that */
  startReviews({ every, log }: Pick<Runtime, "every" | "log">): () => void {
    return every(limits.sessionReviewMs, () => this.recordSoon(log));
  }

  async #recordAll(): Promise<void> {
    const events = await this.#store.unrecordedEvents();
    for (const event of events) {
      await this.#accounting.append(event);
      await this.#store.eventsRecorded([event.id]);
    }
  }
}
