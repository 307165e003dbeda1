import type { AccountingEvent } from "../../core/accounting-event.ts";
import type { AccountingLog, EventQuery } from "../../ports/accounting-log.ts";
import type { EventFeed } from "../../ports/event-feed.ts";

/** The same log; `observe` sees each event that this process made durable. */
export function observedLog(
  log: AccountingLog & EventFeed,
  observe: (event: AccountingEvent) => void,
): AccountingLog & EventFeed {
  return {
    ...observedAccounting(log, observe),
    end: () => log.end(),
    readBehind: (position, limit) => log.readBehind(position, limit),
    onAppend: (listener) => log.onAppend(listener),
  };
}

/** As {@link observedLog}, for a log that nobody follows. */
export function observedAccounting(log: AccountingLog, observe: (event: AccountingEvent) => void): AccountingLog {
  return {
    append: async (event) => {
      await log.append(event);
      observe(event);
    },
    query: (query: EventQuery) => log.query(query),
    find: (eventId) => log.find(eventId),
    unfinishedTransfers: () => log.unfinishedTransfers(),
    unfinishedSessions: () => log.unfinishedSessions(),
    close: () => log.close(),
  };
}
