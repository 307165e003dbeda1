import { FileError } from "../../core/errors.ts";
import { contentKey, type HeldFile } from "../../core/held-file.ts";
import { ScannerDown } from "../../ports/content-scanner.ts";
import type { Turn } from "../consume/once.ts";
import type { Quarantine } from "../scan/quarantine.ts";
import { contentOf } from "../scan/release.ts";
import { scanEvent } from "../scan/scan-services.ts";
import { VerdictPending } from "../scan/settlement.ts";
import { recordStep, type StepRun } from "./dispatch-record.ts";
import type { DispatchServices } from "./dispatch-services.ts";
import { type DispatchedFile, type PinnedContent, pin, takeAway } from "./dispatched-file.ts";

/** A file that was found infected, on its way into the quarantine under this id. */
interface Finding {
  readonly scanId: string;
  readonly signature: string;
  readonly content: PinnedContent;
}

/**
 * Has the file scanned where it is. An infected one goes into the quarantine, so that the steps behind find none.
 * @returns where the file is afterwards, or why there was nothing to do
 */
export async function scanFile(
  services: DispatchServices,
  run: StepRun,
  file: DispatchedFile,
  turn: Turn,
): Promise<DispatchedFile | undefined | { readonly skipped: string }> {
  if (!services.scanning) throw new FileError("unsupported", "this server scans no files");
  const noted = turn.note === undefined ? undefined : (JSON.parse(turn.note) as Finding);
  const content = noted?.content ?? (await pin(services, file));
  if (typeof content === "string") return { skipped: content };
  const finding = noted ?? (await find(services, file, content));
  if (!finding) {
    await recordScan(services, run, file, "it is clean", { verdict: "clean", sha256: content.sha256 });
    return { ...file, sha256: content.sha256 };
  }
  await turn.annotate(JSON.stringify(finding));
  await isolate(services, run, file, finding);
  const { signature, scanId } = finding;
  const data = { verdict: "infected", signature, quarantineId: scanId, sha256: content.sha256 };
  await recordScan(services, run, file, `it is infected with ${signature} and in quarantine`, data);
  return undefined;
}

/** What the scanner finds in this version of the file, if anything. */
async function find(
  { objects, runtime, scanning }: DispatchServices,
  file: DispatchedFile,
  content: PinnedContent,
): Promise<Finding | undefined> {
  const inForce = scanning?.scanner();
  if (!inForce) throw new ScannerDown("no scanner is configured");
  const scanId = runtime.newId();
  const { objectKey } = file;
  const verdict = await inForce.scanner.scan({
    scanId,
    objectKey,
    bytes: content.bytes,
    content: async function* () {
      const reader = await objects.openRead(objectKey);
      try {
        if (reader.entry.etag !== content.etag) {
          throw new FileError("unavailable", "the file was changed in this moment");
        }
        yield* contentOf(reader);
      } finally {
        await reader.close();
      }
    },
  });
  if (verdict.verdict === "pending") throw new VerdictPending();
  return verdict.verdict === "infected" ? { scanId, signature: verdict.signature, content } : undefined;
}

/** First the quarantine has the file, then it is on record, then it goes. */
async function isolate(
  services: DispatchServices,
  run: StepRun,
  file: DispatchedFile,
  finding: Finding,
): Promise<void> {
  const { scanning, accounting, runtime } = services;
  const quarantine = scanning?.quarantine;
  if (!quarantine) throw new ScannerDown("no scanner is configured");
  const held = heldFile(run, file, finding, runtime.now());
  // A file that is to go from where others can read it is taken in whatever the bounds say.
  if (!(await quarantine.content(finding.scanId))) await copyIn(services, quarantine, file, finding);
  await quarantine.keepInfected(held);
  const { signature } = finding;
  const message = `${file.path} is infected with ${signature} and was put into quarantine`;
  await accounting.append(scanEvent(services, held, { type: "scan.infected", message, data: { signature } }));
  await takeAway(services, { ...file, sha256: finding.content.sha256 });
}

function heldFile(
  { event, plan }: StepRun,
  { accountName, path, objectKey }: DispatchedFile,
  { scanId, signature, content: { bytes, sha256 } }: Finding,
  since: number,
): HeldFile {
  const heldAt = new Date(since).toISOString();
  const groups = event.account?.name === accountName ? event.account.groups : [];
  const data = { path, objectKey, bytes, sha256, rule: plan.rule.name };
  const cause = { ...event, account: { name: accountName, groups }, protocol: "system" as const, data };
  return {
    transferId: scanId,
    accountName,
    path,
    objectKey,
    bytes,
    sha256,
    replacesEtag: undefined,
    heldAt,
    event: cause,
    state: "infected",
    reason: signature,
    since,
  };
}

async function copyIn(
  { objects }: DispatchServices,
  { store }: Quarantine,
  { objectKey }: DispatchedFile,
  { scanId, content }: Finding,
): Promise<void> {
  const reader = await objects.openRead(objectKey);
  try {
    if (reader.entry.etag !== content.etag) throw new FileError("unavailable", "the file was changed in this moment");
    await store.discard(scanId);
    const writer = await store.openWrite(contentKey(scanId), scanId);
    try {
      for await (const piece of contentOf(reader)) await writer.write(piece);
      await writer.publish({ modifiedAtMs: content.modifiedAtMs });
    } catch (error) {
      await writer.abort().catch(() => {});
      await store.discard(scanId).catch(() => {});
      throw error;
    }
  } finally {
    await reader.close();
  }
}

/** The end of the step, with what was found. */
export async function recordScan(
  services: DispatchServices,
  run: StepRun,
  { path, objectKey }: DispatchedFile,
  ...[what, data]: readonly [what: string, data: Readonly<Record<string, unknown>>]
): Promise<void> {
  const message = `scan of ${path} completed: ${what}`;
  await recordStep(services, run, { type: "dispatch.completed", message, data: { path, objectKey, ...data } });
}
