import { FileError } from "../../core/errors.ts";
import type { HeldFile } from "../../core/held-file.ts";
import { limits } from "../../core/limits.ts";
import { type NumberedPlace, numbered } from "../../core/numbered-name.ts";
import { parseVirtualPath, type VirtualPath } from "../../core/virtual-path.ts";
import type { ObjectReader, ObjectWriter, PublishOptions, StoredEntry } from "../../ports/object-store.ts";
import { type Turn, underClaim } from "../consume/once.ts";
import { WorkBusy } from "../consume/retry.ts";
import { digestOf } from "../session/content-digest.ts";
import type { ScanServices } from "./scan-services.ts";

/** Where a file that was held is now. */
export interface Released {
  readonly path: VirtualPath;
  readonly objectKey: string;
  readonly etag: string;
}

/** What was last released to a place: a later upload of the same file replaces that, and nothing else. */
interface LastReleased {
  readonly etag: string;
  readonly heldAt: string;
}

const chunkBytes = 1024 * 1024;

/**
 * Publishes a held file in one step, at the place that it was uploaded for. What has got there in the meantime is
 * replaced where the upload replaces it: the version that it found, or an earlier upload that was released after it.
 * For anything else the file takes the next free name, `a-1.pdf` for `a.pdf`, so that neither is lost.
 * @param turn its note is where the file was about to go; nothing else may be noted
 * @throws FileError `not-found` when the content is gone, `integrity` when it is not what was held.
 */
export async function release(services: ScanServices, file: HeldFile, turn: Turn): Promise<Released> {
  const done = await underClaim(services, `scan.released/${file.objectKey}`, async (place) => {
    const last = place.note === undefined ? undefined : (JSON.parse(place.note) as LastReleased);
    const released = (await alreadyReleased(services, file, turn)) ?? (await publish(services, file, { turn, last }));
    if (released.objectKey === file.objectKey) {
      const note: LastReleased = { etag: released.etag, heldAt: file.heldAt };
      await place.annotate(JSON.stringify(note));
    }
    return released;
  });
  if (!done) throw new WorkBusy();
  return done.result;
}

/** Whether an earlier try had its effect. */
async function alreadyReleased(
  services: ScanServices,
  { bytes, sha256 }: HeldFile,
  { note }: Turn,
): Promise<Released | undefined> {
  if (note === undefined) return undefined;
  const { path, objectKey } = JSON.parse(note) as NumberedPlace;
  const entry = await services.objects.stat(objectKey);
  if (entry?.type !== "file" || entry.size !== bytes) return undefined;
  const found = await digestOf(services, objectKey);
  return found?.sha256 === sha256 ? { path: parseVirtualPath(path), objectKey, etag: found.etag } : undefined;
}

async function publish(
  services: ScanServices,
  file: HeldFile,
  { turn, last }: { readonly turn: Turn; readonly last: LastReleased | undefined },
): Promise<Released> {
  for (let tries = 1; ; tries += 1) {
    const { place, options } = await freePlace(services, file, last);
    await turn.annotate(JSON.stringify(place));
    try {
      const { etag } = await copyOut(services, file, { objectKey: place.objectKey, options });
      return { path: parseVirtualPath(place.path), objectKey: place.objectKey, etag };
    } catch (error) {
      // Somebody was faster: the file finds its place anew.
      const isTaken = error instanceof FileError && placeTaken.includes(error.code);
      if (!isTaken || tries >= limits.dispatchNumbers) throw error;
    }
  }
}

const placeTaken: readonly string[] = ["already-exists", "precondition-failed", "not-a-file"];

/** Where the file may go at this moment, and what has to hold still when it gets there. */
async function freePlace(
  { objects }: ScanServices,
  file: HeldFile,
  last: LastReleased | undefined,
): Promise<{ readonly place: NumberedPlace; readonly options: PublishOptions }> {
  const { path, objectKey, replacesEtag, heldAt } = file;
  const entry = await objects.stat(objectKey);
  const isEarlier = last !== undefined && last.etag === entry?.etag && last.heldAt < heldAt;
  if (entry?.type === "file" && (entry.etag === replacesEtag || isEarlier)) {
    return { place: { path, objectKey }, options: { replacesEtag: entry.etag } };
  }
  for (let number = 0; number <= limits.dispatchNumbers; number += 1) {
    const place = numbered({ path, objectKey }, number);
    if (!(await objects.stat(place.objectKey))) return { place, options: { exclusive: true } };
  }
  throw new FileError("already-exists", `${path} exists already, and so do its numbered names`);
}

/** The copy becomes visible as a whole, and only when it is what was held. */
async function copyOut(
  { objects, quarantine, runtime }: ScanServices,
  file: HeldFile,
  { objectKey, options }: { readonly objectKey: string; readonly options: PublishOptions },
): Promise<StoredEntry> {
  const reader = await quarantine.open(file.transferId);
  const writerId = runtime.newId();
  let writer: ObjectWriter | undefined;
  try {
    writer = await objects.openWrite(objectKey, writerId);
    const sha256 = runtime.sha256();
    for await (const piece of contentOf(reader)) {
      sha256.update(piece);
      await writer.write(piece);
    }
    if (sha256.hex() !== file.sha256) throw new FileError("integrity", "the file is not what was uploaded any more");
    return await writer.publish({ ...options, modifiedAtMs: reader.entry.modifiedAtMs });
  } catch (error) {
    await writer?.abort().catch(() => {});
    await objects.discard(writerId).catch(() => {});
    throw error;
  } finally {
    await reader.close();
  }
}

/** The pieces of a version, each of which is only good until the next. */
export async function* contentOf(reader: ObjectReader): AsyncGenerator<Uint8Array> {
  const chunk = new Uint8Array(Math.min(chunkBytes, Math.max(1, reader.entry.size)));
  for (let position = 0; ; ) {
    const count = await reader.read(chunk, position);
    if (count === 0) return;
    yield chunk.subarray(0, count);
    position += count;
  }
}
