import type { AccountingEvent } from "../../core/accounting-event.ts";
import { digestOf } from "./content-digest.ts";
import { placeOf } from "./open-upload.ts";
import type { SessionServices } from "./services.ts";
import { transferEventId } from "./transfer.ts";

export interface Reconciliation {
  readonly completed: number;
  readonly aborted: number;
  readonly discarded: number;
}

/**
 * After a crash, before any client connects: gives every transfer that was started its one end, in agreement with
 * what the store holds, and discards what is staged of uploads that nobody was told about. Safe to run again.
 * @param isUnderWay true for a transfer of this process, where clients are connected; what the store tells of staged
 * uploads has to leave out its own
 */
export async function reconcile(
  services: SessionServices,
  isUnderWay: (started: AccountingEvent) => boolean = () => false,
): Promise<Reconciliation> {
  const ends = { completed: 0, aborted: 0 };
  for (const { started } of await services.accounting.unfinishedTransfers()) {
    if (isUnderWay(started) || isPush(started)) continue;
    const end = (await recoveredEnd(services, started)) ?? abortedEnd(services, started);
    await services.accounting.append(end);
    ends[end.type === "transfer.completed" ? "completed" : "aborted"] += 1;
  }
  const { objects, quarantine } = services;
  let discarded = 0;
  for (const store of [objects, ...(quarantine ? [quarantine.quarantine.store] : [])]) {
    const staged = await store.stagedUploads();
    for (const transferId of staged) await store.discard(transferId);
    discarded += staged.length;
  }
  return { ...ends, discarded };
}

/** What goes to a destination is gone on with, and ended there. */
function isPush({ data }: AccountingEvent): boolean {
  return data.direction === "download" && data.destination !== undefined;
}

/** The end of an upload that was published although its record was not made. */
async function recoveredEnd(services: SessionServices, started: AccountingEvent): Promise<AccountingEvent | undefined> {
  const { objectKey, transferId, direction, quarantined } = started.data;
  if (direction !== "upload" || typeof objectKey !== "string" || typeof transferId !== "string") return undefined;
  const place = placeOf(services, { objectKey }, quarantined === true ? transferId : undefined);
  if ((await place.store.outcomeOf(place.objectKey, transferId)) === "unpublished") return undefined;
  const content = await digestOf({ objects: place.store, runtime: services.runtime }, place.objectKey);
  return content && endOf(services, started, "transfer.completed", { ...content, recovered: true });
}

function abortedEnd(services: SessionServices, started: AccountingEvent): AccountingEvent {
  return endOf(services, started, "transfer.aborted", { reason: "the server stopped during the transfer" });
}

function endOf(
  { runtime }: SessionServices,
  started: AccountingEvent,
  type: "transfer.completed" | "transfer.aborted",
  data: Readonly<Record<string, unknown>>,
): AccountingEvent {
  return {
    ...started,
    id: transferEventId(String(started.data.transferId), type),
    type,
    time: new Date(runtime.now()).toISOString(),
    message: `${started.data.direction} of ${started.data.path} ${type.slice("transfer.".length)}, found at start`,
    data: { ...started.data, ...data },
  };
}
