import type { AccountingEvent } from "../../core/accounting-event.ts";
import { FileError } from "../../core/errors.ts";
import { FolderMap } from "../../core/folder-map.ts";
import type { HeldFile } from "../../core/held-file.ts";
import type { VirtualPath } from "../../core/virtual-path.ts";
import { once, type Turn } from "../consume/once.ts";
import {
  isInPlace,
  type StoreFinding,
  type StoreVerdictServices,
  verdictEvent,
  versionNameOf,
} from "./store-finding.ts";

/** What was decided at the first look at the object, for whoever goes on after a crash. */
interface Plan {
  /** Of the record in quarantine and of the event. */
  readonly id: string;
  readonly since: number;
  /** Undefined when another version is there, or none: nobody finds this one any more. */
  readonly bytes: number | undefined;
}

/** What became of the object: `data` and `words` are for the record. */
interface Outcome {
  readonly data: Readonly<Record<string, unknown>>;
  readonly words: string;
  readonly isTaken: boolean;
}

/**
 * Takes an object away from where others find it, once, however often its verdict comes: first the quarantine has it,
 * then that is on record, then it goes. Where the quarantine is full it stays, and the store lets nobody read it.
 */
export async function putAway(
  services: StoreVerdictServices,
  finding: StoreFinding,
  transferId: string | undefined,
): Promise<void> {
  const { verdict } = finding;
  const claimId = `scan.${versionNameOf(services, verdict)}/${verdict.verdict}`;
  await once(services, claimId, async (turn) => {
    const plan = await planFor(services, finding, { turn, transferId });
    const { data, words, isTaken } = await takeIn(services, finding, plan);
    const record = { origin: plan.id, outcome: data, consequence: words };
    await services.accounting.append(verdictEvent(services, finding, record));
    if (isTaken) await remove(services, finding);
    return JSON.stringify(data);
  });
}

async function planFor(
  services: StoreVerdictServices,
  finding: StoreFinding,
  { turn, transferId }: { readonly turn: Turn; readonly transferId: string | undefined },
): Promise<Plan> {
  if (turn.note !== undefined) return JSON.parse(turn.note) as Plan;
  const { verdict } = finding;
  const found = await services.objects.stat(verdict.objectKey);
  const bytes = found?.type === "file" && found.etag === verdict.etag ? found.size : undefined;
  const isOwn = bytes !== undefined && isInPlace(finding);
  const id = (isOwn && (await freeName(services, finding, transferId))) || versionNameOf(services, verdict);
  const plan = { id, since: services.runtime.now(), bytes };
  await turn.annotate(JSON.stringify(plan));
  return plan;
}

/** The upload's name, unless another version had a verdict under it: clients set times behind an upload. */
async function freeName(
  { accounting }: StoreVerdictServices,
  { verdict }: StoreFinding,
  transferId: string | undefined,
): Promise<string | undefined> {
  const isTaken = transferId !== undefined && (await accounting.find(`${transferId}.scan.${verdict.verdict}`));
  return isTaken ? undefined : transferId;
}

async function takeIn(services: StoreVerdictServices, finding: StoreFinding, plan: Plan): Promise<Outcome> {
  const { quarantine } = services;
  if (plan.bytes === undefined) return replaced;
  const admitted = await quarantine.admit(await heldFile(services, finding, { ...plan, bytes: plan.bytes }));
  switch (admitted.state) {
    case "refused":
      return {
        data: { notTaken: admitted.reason },
        words: `; it stays where it is: ${admitted.reason}`,
        isTaken: false,
      };
    case "repeated": {
      const { keptAs } = admitted;
      return { data: { keptAs }, words: "; it is in quarantine already", isTaken: true };
    }
    case "kept":
      if (await quarantine.takeIn(plan.id, finding.verdict)) {
        return { data: { quarantineId: plan.id }, words: "; it is in quarantine", isTaken: true };
      }
      await quarantine.remove(plan.id);
      return replaced;
  }
}

const replaced: Outcome = { data: {}, words: "; it is not there any more", isTaken: false };

/** Nothing that has taken its place, also in the last moment. */
async function remove(
  { objects }: StoreVerdictServices,
  { verdict: { objectKey, etag } }: StoreFinding,
): Promise<void> {
  await objects.remove(objectKey, "file", { etag }).catch((error: unknown) => {
    const isGone =
      error instanceof FileError && ["not-found", "precondition-failed", "not-a-file"].includes(error.code);
    if (!isGone) throw error;
  });
}

async function heldFile(
  services: StoreVerdictServices,
  { verdict, upload }: StoreFinding,
  { id, since, bytes }: Plan & { readonly bytes: number },
): Promise<HeldFile> {
  const { objectKey, reason } = verdict;
  const path = await pathOf(services, objectKey, upload);
  const heldAt = upload?.time ?? new Date(since).toISOString();
  return {
    transferId: id,
    accountName: upload?.account?.name ?? "",
    path,
    objectKey,
    bytes,
    sha256: typeof upload?.data.sha256 === "string" ? upload.data.sha256 : "",
    replacesEtag: undefined,
    heldAt,
    event: causeOf(services, { verdict, upload }, { id, path, heldAt }),
    state: verdict.verdict === "failed" ? "failed" : "infected",
    reason,
    since,
  };
}

/** Where the account sees the object now; what came on another way has its name in the store. */
async function pathOf(
  { accounts }: StoreVerdictServices,
  objectKey: string,
  upload: AccountingEvent | undefined,
): Promise<VirtualPath> {
  const fallback = `/${objectKey}` as VirtualPath;
  if (upload?.data.objectKey === objectKey) return (upload.data.path ?? fallback) as VirtualPath;
  const account = upload?.account && (await accounts.find(upload.account.name));
  try {
    return (account && new FolderMap(account).pathOf(objectKey)) ?? fallback;
  } catch (error) {
    // Other programs may have given it a name that is no virtual path.
    if (error instanceof FileError) return fallback;
    throw error;
  }
}

/** What brought the file there, for the events about its time in quarantine. */
function causeOf(
  services: StoreVerdictServices,
  finding: StoreFinding,
  { id, path, heldAt }: { readonly id: string; readonly path: VirtualPath; readonly heldAt: string },
): AccountingEvent {
  const { upload, verdict } = finding;
  const { objectKey } = verdict;
  if (!upload) return { ...verdictEvent(services, finding, { origin: id }), time: heldAt };
  const uploadedAs = upload.data.path === path ? {} : { uploadedAs: upload.data.path };
  return { ...upload, data: { ...upload.data, path, objectKey, ...uploadedAs } };
}
