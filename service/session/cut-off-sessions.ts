import type { AccountingEvent, TerminateCause } from "../../core/accounting-event.ts";
import type { SessionServices } from "./services.ts";

/** RFC 2866 §5.10: the server ended the session by a crash. */
const cause: TerminateCause = "nas-reboot";

/**
 * After a crash, before any client connects: gives every session that began its end. Safe to run again.
 * @param isHeld true for a session that goes on behind a restart, because its client has a token
 * @returns how many were ended @throws FileError `unavailable`
 */
export async function endCutOffSessions(
  { accounting, runtime }: Pick<SessionServices, "accounting" | "runtime">,
  isHeld: (sessionId: string) => Promise<boolean>,
): Promise<number> {
  let count = 0;
  for (const started of await accounting.unfinishedSessions()) {
    if (started.session === undefined || (await isHeld(started.session))) continue;
    await accounting.append(endOf(started, runtime.now()));
    count += 1;
  }
  return count;
}

function endOf(started: AccountingEvent, nowMs: number): AccountingEvent {
  return {
    ...started,
    id: `${started.session}.ended`,
    type: "session.ended",
    time: new Date(nowMs).toISOString(),
    message: `session ended: ${cause}, found at start`,
    data: { cause, recovered: true },
  };
}
