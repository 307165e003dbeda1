import { FileError } from "../../core/errors.ts";
import type { HeldFile } from "../../core/held-file.ts";
import { limits } from "../../core/limits.ts";
import { type NumberedPlace, numbered } from "../../core/numbered-name.ts";
import type { AccountingLog } from "../../ports/accounting-log.ts";
import type { Claims } from "../../ports/claims.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import type { Runtime } from "../../ports/runtime.ts";
import type { StoreQuarantine } from "../../ports/store-quarantine.ts";
import { once, type Turn } from "../consume/once.ts";
import { operatorRelease } from "./quarantine-desk.ts";
import { scanConsumer, scanEvent } from "./scan-services.ts";
import { findHeld } from "./store-quarantine-desk.ts";

export interface StoreReleaseServices {
  readonly objects: Pick<ObjectStore, "stat" | "ensureDirectory">;
  readonly quarantine: StoreQuarantine;
  readonly accounting: Pick<AccountingLog, "append">;
  readonly claims: Claims;
  readonly runtime: Runtime;
}

/**
 * Brings a file back to its place, or under the next free name where that is taken, once, however often it is asked
 * for: then it is on record, and only then it leaves the quarantine.
 * @throws FileError `not-found`, `already-exists`, `unavailable` to be asked again
 */
export async function releaseFromStore(services: StoreReleaseServices, id: string, by: string): Promise<void> {
  const file = await findHeld(services, id);
  const { since, path } = file;
  await once(services, `${scanConsumer}.${id}/${since}/release`, async (turn) => {
    const { place, etag } = await letOut(services, file, turn);
    const reason = operatorRelease(file, by);
    const originally = place.path === path ? {} : { uploadedAs: path };
    const data = { path: place.path, objectKey: place.objectKey, etag, ...originally, ...reason.data };
    await services.accounting.append(scanEvent(services, file, { ...reason, data }));
    return JSON.stringify(place);
  });
  await services.quarantine.remove(id);
}

async function letOut(
  services: StoreReleaseServices,
  file: HeldFile,
  turn: Turn,
): Promise<{ readonly place: NumberedPlace; readonly etag: string }> {
  const { objects, quarantine } = services;
  let place = turn.note === undefined ? undefined : (JSON.parse(turn.note) as NumberedPlace);
  for (let tries = 0; ; tries += 1) {
    if (!place) {
      place = await freePlace(services, file);
      await turn.annotate(JSON.stringify(place));
    }
    await objects.ensureDirectory(place.objectKey.split("/").slice(0, -1).join("/"));
    try {
      const { etag } = await quarantine.letOut(file.transferId, place.objectKey);
      return { place, etag };
    } catch (error) {
      // Somebody was faster: the file finds its place anew.
      const isTaken = error instanceof FileError && error.code === "already-exists";
      if (!isTaken || tries >= limits.dispatchNumbers) throw error;
      place = undefined;
    }
  }
}

async function freePlace({ objects }: StoreReleaseServices, { path, objectKey }: HeldFile): Promise<NumberedPlace> {
  for (let number = 0; number <= limits.dispatchNumbers; number += 1) {
    const place = numbered({ path, objectKey }, number);
    if (!(await objects.stat(place.objectKey))) return place;
  }
  throw new FileError("already-exists", `${path} exists already, and so do its numbered names`);
}
