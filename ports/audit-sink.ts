import type { AccountingEvent } from "../core/accounting-event.ts";

/** A place outside the audit index where accounting events go, such as an archive. */
export interface AuditSink {
  /** For the operator's log. */
  readonly name: string;
  /**
   * Resolves when every one of the events is kept. Keeping the same ones again changes nothing where the sink can
   * tell; every copy carries the event's id.
   * @throws FileError `unavailable`, and whatever else: all of them are given again.
   */
  keep(events: readonly AccountingEvent[]): Promise<void>;
}
