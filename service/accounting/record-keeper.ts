import type { AccountingEvent } from "../../core/accounting-event.ts";
import { FileError } from "../../core/errors.ts";
import type { AccountingLog } from "../../ports/accounting-log.ts";
import type { AuditSink } from "../../ports/audit-sink.ts";

/** One event as a queue delivered it. */
export interface DeliveredEvent {
  /** Undefined for a message that is no event. */
  readonly event: AccountingEvent | undefined;
  /** The queue has delivered it before: somebody may have been interrupted at it. */
  readonly isRepeated: boolean;
}

export interface RecordKeeperServices {
  readonly index: Pick<AccountingLog, "append" | "find">;
  readonly sinks: readonly AuditSink[];
}

/** What became of each delivered event, in their order. What was rejected is to be delivered again. */
export type KeepRecords = (deliveries: readonly DeliveredEvent[]) => Promise<readonly PromiseSettledResult<void>[]>;

/**
 * Puts events into every sink and then into the audit index. Because the index comes last, what is in it is in the
 * sinks too: a repeated delivery looks there first and gives nobody the same event twice. Only a sink that was
 * interrupted between the two, and an event that its sender sent twice, come to a sink again.
 */
export function createRecordKeeper({ index, sinks }: RecordKeeperServices): KeepRecords {
  const isKept = async ({ event, isRepeated }: DeliveredEvent) =>
    event !== undefined && isRepeated && (await index.find(event.id)) !== undefined;
  return async (deliveries) => {
    const kept = await Promise.allSettled(deliveries.map(isKept));
    const missing = deliveries.flatMap(({ event }, position) => {
      const result = kept[position];
      return event && result?.status === "fulfilled" && !result.value ? [event] : [];
    });
    const events = uniqueById(missing);
    const inSinks = events.length === 0 ? Promise.resolve() : keepInSinks(sinks, events);
    return Promise.allSettled(
      deliveries.map(async ({ event }, position) => {
        if (!event) throw new FileError("invalid-argument", "the message is no accounting event");
        const result = kept[position];
        if (result?.status === "rejected") throw result.reason;
        if (result?.value) return;
        await inSinks;
        await index.append(event);
      }),
    );
  };
}

function uniqueById(events: readonly AccountingEvent[]): readonly AccountingEvent[] {
  return [...new Map(events.map((event) => [event.id, event])).values()];
}

/** Every sink is given the events, whatever becomes of the others. @throws the first failure */
async function keepInSinks(sinks: readonly AuditSink[], events: readonly AccountingEvent[]): Promise<void> {
  const results = await Promise.allSettled(sinks.map((sink) => sink.keep(events)));
  const failures = results.flatMap((result, position) =>
    result.status === "rejected" ? [{ name: sinks[position]?.name, reason: result.reason }] : [],
  );
  const [first] = failures;
  if (!first) return;
  const names = failures.map(({ name }) => name).join(", ");
  throw new FileError("unavailable", `not kept by ${names}`, { cause: first.reason });
}
