import type { ArchiveFormat } from "../../core/archive-format.ts";
import { ArchiveNames } from "../../core/archive-names.ts";
import { destinationOf, type UnpackStep } from "../../core/dispatch.ts";
import { FileError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import { parseVirtualPath, type VirtualPath } from "../../core/virtual-path.ts";
import type { ArchiveEntry } from "../../ports/archives.ts";
import { once, type Turn } from "../consume/once.ts";
import { assertConvertible, assertTimeLeft } from "./conversion-bounds.ts";
import { derived } from "./derivation.ts";
import { assertWritable, type Destination, destinationAt } from "./destination.ts";
import { claimIdOf, recordStep, type StepRun } from "./dispatch-record.ts";
import type { DispatchServices } from "./dispatch-services.ts";
import { type DispatchedFile, goneReason, type PinnedContent, pin, takeAway } from "./dispatched-file.ts";
import { place } from "./placement.ts";
import { UnpackingRoom } from "./unpacking-room.ts";

type UnpackRun = StepRun & { readonly step: UnpackStep };

/** An archive on its way out of its form. */
interface Unpacking {
  readonly run: UnpackRun;
  readonly file: DispatchedFile;
  readonly content: PinnedContent;
  /** The folder that everything goes to. */
  readonly folder: Destination;
}

/** A file of the archive, and where it goes. */
interface UnpackedEntry {
  readonly entry: ArchiveEntry;
  readonly index: number;
  readonly path: VirtualPath;
}

/**
 * Puts each file of an archive into a folder, whole and on record, and then takes the archive away. The archive is read
 * to its end before the first file appears, so that nothing of a damaged or dangerous one does, nor of one whose files
 * find their places taken. After a crash the files that were done are passed over.
 * @returns why there was nothing to do
 */
export async function unpack(
  services: DispatchServices,
  run: UnpackRun,
  file: DispatchedFile,
  turn: Turn,
): Promise<{ readonly skipped: string } | undefined> {
  const content = await pin(services, file);
  const wasDone = turn.note === "done";
  if (typeof content === "string" && !(wasDone && content === goneReason)) return { skipped: content };
  const path = destinationOf(run.step, run.plan, file.path);
  const folder = await destinationAt(services, run.plan, {
    account: run.step.account,
    path,
    overwrite: run.step.overwrite,
  });
  if (typeof content !== "string") {
    const unpacking = { run, file: { ...file, sha256: content.sha256, etag: content.etag }, content, folder };
    // Once files have begun to appear, those at their places may be this archive's own.
    const room = turn.note === undefined ? new UnpackingRoom(services, folder) : undefined;
    await check(services, unpacking, room);
    if (room) await turn.annotate("begun");
    await publishAll(services, unpacking);
    await turn.annotate("done");
    await takeAway(services, unpacking.file);
  }
  await recordStep(services, run, {
    type: "dispatch.completed",
    message: `extract of ${file.path} to ${path}/ completed`,
    data: { path: file.path, destination: path, format: run.step.format, ...elsewhere(run, folder) },
  });
  return undefined;
}

function elsewhere({ plan }: UnpackRun, { accountName }: Destination): Readonly<Record<string, unknown>> {
  return accountName === plan.accountName ? {} : { destinationAccount: accountName };
}

/** Reads all of it. @throws FileError that names the entry at fault, or what is in its way */
async function check(services: DispatchServices, unpacking: Unpacking, room: UnpackingRoom | undefined): Promise<void> {
  const { content, folder, run } = unpacking;
  const most = Math.min(limits.fileBytes, limits.extractedBytes + content.bytes * limits.extractionRatio);
  let bytes = 0;
  for await (const { entry, path } of entriesOf(services, unpacking)) {
    assertWritable(run.plan, folder, path);
    await room?.assertFree(path);
    let entryBytes = 0;
    for await (const piece of entry.content()) {
      entryBytes += piece.length;
      bytes += piece.length;
      if (entryBytes > limits.archiveEntryBytes) throw tooLarge(entry, `more than ${limits.archiveEntryBytes} bytes`);
      if (bytes > most) throw tooLarge(entry, `the content is over ${limits.extractionRatio} times as large`);
    }
    if (entryBytes !== entry.bytes) throw new FileError("integrity", `entry ${entry.name} is not as long as it says`);
  }
}

function tooLarge({ name }: ArchiveEntry, reason: string): FileError {
  return new FileError("too-large", `the archive is refused: entry ${JSON.stringify(name)}: ${reason}`);
}

async function publishAll(services: DispatchServices, unpacking: Unpacking): Promise<void> {
  for await (const unpacked of entriesOf(services, unpacking)) await publishEntry(services, unpacking, unpacked);
}

/** One file of the archive is a piece of work of its own. */
async function publishEntry(
  services: DispatchServices,
  { run, file, folder }: Unpacking,
  { entry, index, path }: UnpackedEntry,
): Promise<void> {
  const claimId = claimIdOf(run.event, run.plan, `${run.list}.${run.index}.${index}`);
  await once(services, claimId, async (turn) => {
    let isRead = false;
    const effect = derived(() => {
      // What is streamed cannot be read again: the archive is begun anew, and what was done is passed over.
      if (isRead) throw new FileError("unavailable", `${path} was taken in this moment`);
      isRead = true;
      return entry.content();
    });
    const placed = await place(services, { effect, file, destination: { ...folder, path }, turn });
    if ("skipped" in placed) return "skipped";
    const { objectKey, sha256, path: destination } = placed.file;
    await recordStep(services, run, {
      type: "dispatch.completed",
      suffix: `.${index}`,
      message: `extract of ${file.path} to ${destination} completed`,
      data: {
        path: file.path,
        entry: entry.name,
        destination,
        ...elsewhere(run, folder),
        objectKey,
        bytes: placed.bytes,
        sha256,
      },
    });
    return "done";
  });
}

/** The files of the archive; folders are made where files need them. @throws FileError that names the entry */
async function* entriesOf(
  services: DispatchServices,
  { run, file, content, folder }: Unpacking,
): AsyncGenerator<UnpackedEntry> {
  const format: ArchiveFormat = run.step.format;
  const names = new ArchiveNames();
  const reader = await services.objects.openRead(file.objectKey);
  try {
    if (reader.entry.etag !== content.etag) throw new FileError("unavailable", "the file was changed in this moment");
    assertConvertible(services, reader.entry.size);
    let index = 0;
    for await (const entry of services.archives.entries(format, reader)) {
      assertTimeLeft(services);
      const segments = names.add(entry.name, entry.type);
      if (entry.type === "file") yield { entry, index, path: pathBelow(folder.path, segments, entry) };
      index += 1;
    }
  } finally {
    await reader.close();
  }
}

function pathBelow(folder: VirtualPath, segments: readonly string[], { name }: ArchiveEntry): VirtualPath {
  try {
    return parseVirtualPath(`${folder}/${segments.join("/")}`);
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    throw new FileError(error.code, `the archive is refused: entry ${JSON.stringify(name)}: ${error.message}`);
  }
}
