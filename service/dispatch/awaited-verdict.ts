import { FileError } from "../../core/errors.ts";
import { type StoreScanning, verdictFor } from "./after-scan.ts";
import type { StepRun } from "./dispatch-record.ts";
import type { DispatchServices } from "./dispatch-services.ts";
import { type DispatchedFile, goneReason, pin } from "./dispatched-file.ts";
import { recordScan } from "./scan-step.ts";

/**
 * The step `scan` where the store is scanned: waits until the scanner has found the file, where it is now, clean. An
 * infected one is put away by whoever hears of the verdict.
 * @returns where the file is afterwards, or why there was nothing to do
 * @throws FileError `unavailable` until there is a verdict; `integrity` when there will be none, `unsupported` for a
 * place that is not scanned
 */
export async function awaitVerdict(
  services: DispatchServices,
  scanning: StoreScanning,
  run: StepRun,
  file: DispatchedFile,
): Promise<DispatchedFile | undefined | { readonly skipped: string }> {
  const { path, objectKey } = file;
  const { scan } = scanning;
  if (!scan.covers(objectKey)) {
    throw new FileError("unsupported", `${path} is not scanned where it is: scan.prefixes of the stage leave it out`);
  }
  const found = await verdictFor(scanning, file, run.event);
  switch (found.verdict) {
    case "failed":
      throw new FileError("integrity", `${path} could not be scanned: ${found.reason}`);
    case "infected":
      await recordScan(services, run, file, "it is infected and goes into quarantine", { verdict: "infected" });
      return undefined;
    case "clean":
      return cleanFile(services, scanning, run, file);
    default:
      return { skipped: goneReason };
  }
}

/** The verdict is about what was there in that moment, which has to be this file still. */
async function cleanFile(
  services: DispatchServices,
  { scan }: StoreScanning,
  run: StepRun,
  file: DispatchedFile,
): Promise<DispatchedFile | { readonly skipped: string }> {
  const { objectKey } = file;
  const content = await pin(services, file);
  if (typeof content === "string") return { skipped: content };
  const { verdict } = await scan.verdictOf(objectKey);
  const entry = await services.objects.stat(objectKey);
  if (verdict !== "clean" || entry?.etag !== content.etag) {
    throw new FileError("unavailable", "the file was changed in this moment");
  }
  const { sha256, etag } = content;
  await recordScan(services, run, file, "it is clean", { verdict, sha256 });
  return { ...file, sha256, etag };
}
