import type { AccountingLog, EventPage } from "../../ports/accounting-log.ts";
import type { Session } from "../session/session.ts";
import { type EventParameters, parseEventQuery } from "./event-query.ts";

/**
 * A page of the accounting record, for accounts with the role `auditor`. Reading leaves no event of its own.
 * @throws FileError `permission-denied`, which is on record; `invalid-argument` with the parameter as `field`.
 */
export type ReadEvents = (session: Session, parameters: EventParameters) => Promise<EventPage>;

export function createEventReader({ accounting }: { readonly accounting: AccountingLog }): ReadEvents {
  return async (session, parameters) => {
    await session.requireRole("auditor", "read-events");
    return accounting.query(parseEventQuery(parameters));
  };
}
