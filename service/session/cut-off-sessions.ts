import type { AccountingEvent, TerminateCause } from "../../core/accounting-event.ts";
import { sessionEndId } from "./recorder.ts";
import type { SessionServices } from "./services.ts";

/** RFC 2866 §5.10: the server ended the session by a crash. */
const cause: TerminateCause = "nas-reboot";

/**
 * After a crash: gives every session that it cut off its end. Safe to run again, and for several processes at a time:
 * the end has the id that the session itself would have given it.
 * @param goesOn true for a session that the crash did not end
 * @returns how many were ended @throws FileError `unavailable`
 */
export async function endCutOffSessions(
  { accounting, runtime }: Pick<SessionServices, "accounting" | "runtime">,
  goesOn: (sessionId: string, started: AccountingEvent) => Promise<boolean>,
): Promise<number> {
  let count = 0;
  for (const started of await accounting.unfinishedSessions()) {
    if (started.session === undefined || (await goesOn(started.session, started))) continue;
    await accounting.append(endOf(started, runtime.now()));
    count += 1;
  }
  return count;
}

function endOf(started: AccountingEvent, nowMs: number): AccountingEvent {
  return {
    ...started,
    id: sessionEndId(String(started.session)),
    type: "session.ended",
    time: new Date(nowMs).toISOString(),
    message: `session ended: ${cause}, found at start`,
    data: { cause, recovered: true },
  };
}
