import { FileError } from "../../core/errors.ts";
import type { HeldFile, HeldPage } from "../../core/held-file.ts";
import { limits } from "../../core/limits.ts";
import type { AccountingLog } from "../../ports/accounting-log.ts";
import type { Runtime } from "../../ports/runtime.ts";
import type { StoreQuarantine } from "../../ports/store-quarantine.ts";
import { deletionEvent, type OpenedFile, type QuarantineDesk } from "./quarantine-desk.ts";

export interface StoreDeskServices {
  readonly quarantine: StoreQuarantine;
  readonly accounting: Pick<AccountingLog, "append">;
  readonly runtime: Runtime;
}

/** Looks after a quarantine that several processes share. */
export class StoreQuarantineDesk implements QuarantineDesk {
  readonly #services: StoreDeskServices;
  readonly #release: QuarantineDesk["release"];

  /** @param release by whoever may bring files back */
  constructor(services: StoreDeskServices, release: QuarantineDesk["release"]) {
    this.#services = services;
    this.#release = release;
  }

  list(page: { readonly limit: number; readonly after?: string | undefined }): Promise<HeldPage> {
    return this.#services.quarantine.list(page);
  }

  find(id: string): Promise<HeldFile> {
    return findHeld(this.#services, id);
  }

  async open(id: string): Promise<OpenedFile> {
    const file = await this.find(id);
    return { file, reader: await this.#services.quarantine.open(id) };
  }

  async release(id: string, by: string): Promise<unknown> {
    return this.#release(id, by);
  }

  async remove(id: string, why: string): Promise<void> {
    await removeHeld(this.#services, await this.find(id), why);
  }
}

/** @throws FileError `not-found`. */
export async function findHeld({ quarantine }: Pick<StoreDeskServices, "quarantine">, id: string): Promise<HeldFile> {
  const file = await quarantine.find(id);
  if (!file) throw new FileError("not-found", "there is no such file in quarantine");
  return file;
}

/**
 * Removes infected files whose time is over, oldest first, until none is left or `isOver`: then the next call goes on.
 */
export async function removeExpiredFiles(
  services: StoreDeskServices,
  days: number,
  isOver: () => boolean,
): Promise<void> {
  const before = services.runtime.now() - days * 24 * 60 * 60 * 1000;
  for (let after: string | undefined; ; ) {
    const { files, next } = await services.quarantine.list({ limit: limits.quarantinePageDefaultEntries, after });
    for (const file of files) {
      if (isOver()) return;
      if (file.state !== "infected" || file.since > before) continue;
      await removeHeld(services, file, `it was kept for ${days} days`);
    }
    if (next === undefined) return;
    after = next;
  }
}

async function removeHeld(services: StoreDeskServices, file: HeldFile, why: string): Promise<void> {
  await services.accounting.append(deletionEvent(services, file, why));
  await services.quarantine.remove(file.transferId);
}
