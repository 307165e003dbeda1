import type { AccountingEvent } from "../../core/accounting-event.ts";
import type { HeldFile, HeldPage } from "../../core/held-file.ts";
import type { ObjectReader } from "../../ports/object-store.ts";
import { type ScanServices, scanEvent } from "./scan-services.ts";
import type { ReleaseReason } from "./settlement.ts";

export interface OpenedFile {
  readonly file: HeldFile;
  /** The caller closes it. */
  readonly reader: ObjectReader;
}

/** For those who look after files that were not let through. */
export interface QuarantineDesk {
  /** @throws FileError `invalid-argument` for a limit out of range. */
  list(page: { readonly limit: number; readonly after?: string | undefined }): Promise<HeldPage>;
  /** @throws FileError `not-found`. */
  find(transferId: string): Promise<HeldFile>;
  /** What the file holds. @throws FileError `not-found`. */
  open(transferId: string): Promise<OpenedFile>;
  /** Lets a file out of the quarantine whatever is in it: an operator has looked. @throws FileError `not-found`. */
  release(transferId: string, by: string): Promise<unknown>;
  /** Puts on record that the file is gone for good, and removes it. @throws FileError `not-found`. */
  remove(transferId: string, why: string): Promise<void>;
}

/** Why a file is let out by this operator. */
export function operatorRelease({ path, state, reason }: HeldFile, by: string): ReleaseReason {
  const found = state === "infected" ? ` although ${reason} was found in it` : "";
  return {
    type: "scan.released",
    message: `${path} was released by ${by}${found}`,
    data: { by, reason: `released by ${by}`, ...(state === "infected" && { signature: reason }) },
  };
}

export function deletionEvent(services: Pick<ScanServices, "runtime">, file: HeldFile, why: string): AccountingEvent {
  return scanEvent(services, file, {
    type: "file.deleted",
    message: `${file.path} was deleted in quarantine: ${why}`,
    data: { quarantined: true, reason: why },
  });
}
