import type { AuditSink } from "../../ports/audit-sink.ts";
import type { Log } from "../../ports/runtime.ts";

/** Writes each event as a line of the operator's log, from where log collectors take it. */
export function createLogAuditSink(log: Log): AuditSink {
  return {
    name: "log",
    keep: async (events) => {
      for (const event of events) log.info("accounting event", { event });
    },
  };
}
