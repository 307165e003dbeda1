import type { AccountingEvent } from "../../core/accounting-event.ts";
import { digestOf } from "./content-digest.ts";
import { placeOf } from "./open-upload.ts";
import type { NewestUpload } from "./resumable-uploads.ts";
import type { SessionServices } from "./services.ts";
import { keptData, transferEventId } from "./transfer.ts";

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
    const recovered = await recoveredEnd(services, started);
    await (recovered ? services.accounting.append(recovered) : abort(services, started));
    ends[recovered ? "completed" : "aborted"] += 1;
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

/** Puts on record that the transfer was cut off, and keeps what can be gone on with. */
async function abort(services: SessionServices, started: AccountingEvent): Promise<void> {
  const upload = newestUpload(started);
  const keptUntilMs = upload && (await services.resumable?.keptUntilMs(upload));
  const keptBytes = upload && keptUntilMs !== undefined ? await services.objects.keep(upload.transferId) : 0;
  const kept = keptUntilMs !== undefined && keptBytes > 0 ? { keptBytes, keptUntilMs } : undefined;
  const reason = "the server stopped during the transfer";
  await services.accounting.append(
    endOf(services, started, "transfer.aborted", { reason, ...(kept && keptData(kept)) }),
  );
  if (upload && kept) await services.resumable?.keep(upload, kept);
  else if (upload) await services.objects.discard(upload.transferId);
}

/** What the transfer was, where an account could go on with it. */
function newestUpload({ account, data }: AccountingEvent): NewestUpload | undefined {
  const { objectKey, transferId, resumable } = data;
  if (resumable !== true || !account || typeof objectKey !== "string" || typeof transferId !== "string")
    return undefined;
  return { accountName: account.name, objectKey, transferId };
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
