import type { PlacingStep, PushStep, UnpackStep } from "../../core/dispatch.ts";
import { type NoticeStep, noticePlace, noticeReceivers } from "../../core/dispatch-notice.ts";
import { FileError } from "../../core/errors.ts";
import { once, type Turn } from "../consume/once.ts";
import { WorkBusy, WorkDeferred } from "../consume/retry.ts";
import { pushFile } from "../destinations/push-file.ts";
import { outgoingOf, pushMemory } from "../destinations/push-step.ts";
import { awaitVerdict } from "./awaited-verdict.ts";
import { derivation } from "./derivation.ts";
import { destinationFor } from "./destination.ts";
import { verifyDetached } from "./detached-signature.ts";
import { actionOf, claimIdOf, recordStep, type StepList, type StepRun } from "./dispatch-record.ts";
import type { DispatchServices } from "./dispatch-services.ts";
import { type DispatchedFile, goneReason, takeAway } from "./dispatched-file.ts";
import { type Placed, place } from "./placement.ts";
import type { ContentEffect } from "./placing.ts";
import { relocation } from "./relocation.ts";
import { scanFile } from "./scan-step.ts";
import { unpack } from "./unpacking.ts";

/** A step that could not be done. The code is that of the cause; `unavailable` when that is not known. */
export class DispatchStepError extends FileError {
  readonly run: StepRun;
  readonly file: DispatchedFile;

  constructor(run: StepRun, file: DispatchedFile, cause: unknown) {
    const known = cause instanceof FileError ? cause : new FileError("unavailable", "an internal error");
    const { retryAfterMs } = known;
    super(known.code, known.message, { cause, retryAfterMs, ...(known.rule !== undefined && { rule: known.rule }) });
    this.run = run;
    this.file = file;
  }

  /** False for what may pass, and for what is not known. */
  get isFinal(): boolean {
    return this.code !== "unavailable";
  }
}

/**
 * Each step takes the file from where the one before has put it; when it is gone, the rest have nothing to do.
 * @returns where the file is afterwards, undefined when it is gone @throws DispatchStepError, WorkBusy, WorkDeferred
 */
export async function runSteps(
  services: DispatchServices,
  steps: StepList,
  found: DispatchedFile,
): Promise<DispatchedFile | undefined> {
  const { rule } = steps.plan;
  let file: DispatchedFile | undefined = found;
  for (const [index, step] of (steps.list === "do" ? rule.steps : rule.otherwise).entries()) {
    file = file && (await runStep(services, { ...steps, step, index }, file));
  }
  return file;
}

/** Does one step once, however often it is asked for, and puts it on record. */
async function runStep(
  services: DispatchServices,
  run: StepRun,
  file: DispatchedFile,
): Promise<DispatchedFile | undefined> {
  const claimId = claimIdOf(run.event, run.plan, `${run.list}.${run.index}`);
  try {
    const result = await once(services, claimId, async (turn) =>
      JSON.stringify((await act(services, run, file, turn)) ?? null),
    );
    return (JSON.parse(result) as DispatchedFile | null) ?? undefined;
  } catch (error) {
    const isElsewhere = error instanceof WorkBusy || error instanceof WorkDeferred;
    throw isElsewhere ? error : new DispatchStepError(run, file, error);
  }
}

type Action = (
  services: DispatchServices,
  run: StepRun,
  file: DispatchedFile,
  turn: Turn,
) => Promise<DispatchedFile | undefined>;

const act: Action = (services, run, file, turn) => {
  switch (run.step.action) {
    case "move":
    case "copy":
    case "rename":
    case "checksum":
    case "compress":
    case "extract":
    case "encrypt":
    case "decrypt":
    case "verify":
      return placeFile(services, { ...run, step: run.step }, file, turn);
    case "push":
      return sendFile(services, { ...run, step: run.step }, file, turn);
    case "delete":
      return deleteFile(services, run, file, turn);
    case "unpack":
      return unpackStep(services, { ...run, step: run.step }, file, turn);
    case "verify-detached":
      return passOn(services, run, file, verifyDetached(services, run, file, run.step.signedBy));
    case "scan":
      return scanStep(services, run, file, turn);
    case "email":
    case "webhook":
      return handOver(services, { ...run, step: run.step }, file);
    case "ignore":
      return skip(services, run, file, { skipped: "the rule leaves it as it is", isThere: true });
  }
};

async function placeFile(
  services: DispatchServices,
  run: StepRun & { readonly step: PlacingStep },
  file: DispatchedFile,
  turn: Turn,
): Promise<DispatchedFile | undefined> {
  const destination = await destinationFor(services, run.plan, run.step, file);
  const effect = effectOf(run.step);
  const placed = await place(services, { effect, file, destination, turn });
  if ("skipped" in placed) return skip(services, run, file, placed);
  const { path, objectKey, sha256, accountName } = placed.file;
  const isElsewhere = accountName !== run.plan.accountName;
  await recordStep(services, run, {
    type: "dispatch.completed",
    message: `${run.step.action} of ${file.path} to ${isElsewhere ? `${accountName}:` : ""}${path} completed`,
    data: {
      path: file.path,
      destination: path,
      ...(isElsewhere && { destinationAccount: accountName }),
      objectKey,
      bytes: placed.bytes,
      sha256,
    },
  });
  if (effect.takesAway) return placed.file;
  // What is left where it was is known by its content from then on.
  return run.step.action === "copy" ? { ...file, sha256 } : file;
}

async function sendFile(
  services: DispatchServices,
  run: StepRun & { readonly step: PushStep },
  file: DispatchedFile,
  turn: Turn,
): Promise<DispatchedFile | undefined> {
  const { step, event } = run;
  if (!services.pushing) throw new FileError("unsupported", "this server sends nothing to destinations");
  const remote = await services.pushing.turnFor(event, step.destination);
  const pushed = await pushFile(services, outgoingOf(run, file), remote, pushMemory(turn));
  if ("skipped" in pushed) return skip(services, run, file, pushed);
  const { path, bytes, sha256 } = pushed;
  const { destination } = step;
  await recordStep(services, run, {
    type: "dispatch.completed",
    message: `push of ${file.path} to ${destination}:${path} completed`,
    data: { path: file.path, destination, remotePath: path, objectKey: file.objectKey, bytes, sha256 },
  });
  return { ...file, sha256 };
}

/** What tells of events takes it from the record, repeats what fails and keeps what nobody takes. */
async function handOver(
  services: DispatchServices,
  run: StepRun & { readonly step: NoticeStep },
  file: DispatchedFile,
): Promise<DispatchedFile> {
  const { step, event, plan, list, index } = run;
  const { accountName, path, objectKey, sha256 } = file;
  await recordStep(services, run, {
    type: "dispatch.completed",
    message: `${step.action} about ${path} handed over`,
    data: {
      path,
      ...(accountName !== plan.accountName && { fileAccount: accountName }),
      objectKey,
      ...(sha256 !== undefined && { sha256 }),
      step: noticePlace(list, index),
      ...noticeReceivers(step),
      event,
    },
  });
  return file;
}

function effectOf(step: PlacingStep): ContentEffect {
  switch (step.action) {
    case "copy":
    case "move":
      return relocation(step.action);
    case "rename":
      return relocation("move");
    default:
      return derivation(step);
  }
}

async function deleteFile(
  services: DispatchServices,
  run: StepRun,
  file: DispatchedFile,
  turn: Turn,
): Promise<DispatchedFile | undefined> {
  const wasTried = turn.note !== undefined;
  await turn.annotate("deleting");
  const reason = await takeAway(services, file);
  // An earlier try that came this far may have deleted it.
  const isDone = reason === undefined || (wasTried && reason === goneReason);
  if (!isDone) return skip(services, run, file, { skipped: reason, isThere: false });
  await recordStep(services, run, {
    type: "dispatch.completed",
    message: `delete of ${file.path} completed`,
    data: { path: file.path, objectKey: file.objectKey },
  });
  return undefined;
}

async function unpackStep(
  services: DispatchServices,
  run: StepRun & { readonly step: UnpackStep },
  file: DispatchedFile,
  turn: Turn,
): Promise<undefined> {
  const result = await unpack(services, run, file, turn);
  if (result) await skip(services, run, file, { ...result, isThere: false });
}

const scanStep: Action = (services, run, file, turn) => {
  const { storeScanning } = services;
  const scanned = storeScanning
    ? awaitVerdict(services, storeScanning, run, file)
    : scanFile(services, run, file, turn);
  return passOn(services, run, file, scanned);
};

/** What there was nothing to do with is not there. */
async function passOn(
  services: DispatchServices,
  run: StepRun,
  file: DispatchedFile,
  done: Promise<DispatchedFile | undefined | { readonly skipped: string }>,
): Promise<DispatchedFile | undefined> {
  const result = await done;
  if (!result || !("skipped" in result)) return result;
  return skip(services, run, file, { ...result, isThere: false });
}

async function skip(
  services: DispatchServices,
  run: StepRun,
  file: DispatchedFile,
  { skipped, isThere }: Extract<Placed, { skipped: string }>,
): Promise<DispatchedFile | undefined> {
  await recordStep(services, run, {
    type: "dispatch.skipped",
    message: `${actionOf(run.step)} of ${file.path} skipped: ${skipped}`,
    data: { path: file.path, objectKey: file.objectKey, reason: skipped },
  });
  return isThere ? file : undefined;
}
