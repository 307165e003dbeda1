import { FileError } from "../../core/errors.ts";
import { contentKey, type HeldFile, type HeldPage, type QuarantineBounds } from "../../core/held-file.ts";
import { limits } from "../../core/limits.ts";
import type { ContentConversions } from "../../ports/content-conversions.ts";
import type { ObjectReader, ObjectStore, StoredEntry } from "../../ports/object-store.ts";
import type { Runtime } from "../../ports/runtime.ts";
import { QuarantineRoom } from "./quarantine-room.ts";

export interface QuarantineServices {
  /** Nothing else is in it. */
  readonly store: ObjectStore;
  readonly conversions: Pick<ContentConversions, "utf8" | "text">;
  readonly runtime: Runtime;
  /** Those of the configuration in force. */
  readonly bounds: () => QuarantineBounds;
}

const recordFolder = "records";

/**
 * The files that wait for a verdict, and those that got a bad one: each with its content and a record beside it, in a
 * store of their own that no protocol reaches.
 */
export class Quarantine {
  readonly store: ObjectStore;
  readonly #services: QuarantineServices;
  /** The uploads that wait here, by the place in the other store that they belong to. */
  readonly #places = new Map<string, Set<string>>();
  /** The ids of infected files, by what makes another upload a repetition. */
  readonly #infected = new Map<string, string>();
  /** The other way round. */
  readonly #contents = new Map<string, string>();
  #turn: Promise<unknown> = Promise.resolve();
  readonly room: QuarantineRoom;

  constructor(services: QuarantineServices) {
    this.store = services.store;
    this.#services = services;
    this.room = new QuarantineRoom(services.bounds);
  }

  /** Every file that an earlier process left. Repetitions and the room that is taken are known when it has ended. */
  async *load(): AsyncGenerator<HeldFile> {
    for await (const file of this.all()) {
      this.#know(file);
      yield file;
    }
  }

  /** The upload belongs to this place, and is here from now on, or is about to be. */
  reserve(objectKey: string, transferId: string): void {
    const waiting = this.#places.get(objectKey) ?? new Set();
    this.#places.set(objectKey, waiting.add(transferId));
  }

  leave(objectKey: string, transferId: string): void {
    const waiting = this.#places.get(objectKey);
    waiting?.delete(transferId);
    if (waiting?.size === 0) this.#places.delete(objectKey);
  }

  /** Whether an upload that belongs to this place waits here. */
  isHeld(objectKey: string): boolean {
    return this.#places.has(objectKey);
  }

  content(transferId: string): Promise<StoredEntry | undefined> {
    return this.store.stat(contentKey(transferId));
  }

  /** @throws FileError `not-found`. */
  open(transferId: string): Promise<ObjectReader> {
    return this.store.openRead(contentKey(transferId));
  }

  async find(transferId: string): Promise<HeldFile | undefined> {
    const reader = await this.store.openRead(recordKey(transferId)).catch((error: unknown) => {
      if (error instanceof FileError && ["not-found", "invalid-path"].includes(error.code)) return undefined;
      throw error;
    });
    if (!reader) return undefined;
    try {
      const bytes = new Uint8Array(Math.min(reader.entry.size, limits.quarantineRecordBytes));
      await reader.read(bytes, 0);
      return JSON.parse(this.#services.conversions.text(bytes)) as HeldFile;
    } finally {
      await reader.close();
    }
  }

  /** Durable, whole or not at all, in place of an earlier record of the file. */
  async put(file: HeldFile): Promise<void> {
    await this.#write(file);
    this.#know(file);
  }

  /** The infected file that has the same content and comes from the same account for the same path, if there is one. */
  twinOf(file: HeldFile): string | undefined {
    const twin = this.#infected.get(contentId(file));
    return twin === file.transferId ? undefined : twin;
  }

  /**
   * Keeps an infected file, or counts it where its twin is kept already. Those who come at the same time take turns, so
   * that none is missed; one that is counted by a process that dies before the file is removed may be counted again
   * where another came in between.
   */
  keepInfected(file: HeldFile): Promise<void> {
    return this.#inTurn(async () => {
      const known = await this.find(file.transferId);
      if (known?.state === "infected") return this.#know(known);
      const twinId = this.twinOf(file);
      const twin = twinId === undefined ? undefined : await this.find(twinId);
      if (!twin) {
        // A write that fails may have had its effect: who comes before it is repeated has to find this file.
        this.#know(file);
        return this.put({ ...file, repeats: known?.repeats });
      }
      if (twin.repeats?.transferId !== file.transferId) {
        const { transferId, heldAt } = file;
        await this.put({ ...twin, repeats: { count: (twin.repeats?.count ?? 0) + 1, transferId, heldAt } });
      }
      await this.#remove(file.transferId);
    });
  }

  async #write(file: HeldFile): Promise<void> {
    const writerId = this.#services.runtime.newId();
    const writer = await this.store.openWrite(recordKey(file.transferId), writerId);
    try {
      await writer.write(this.#services.conversions.utf8(JSON.stringify(file)));
      await writer.publish({});
    } catch (error) {
      await writer.abort().catch(() => {});
      await this.store.discard(writerId).catch(() => {});
      throw error;
    }
  }

  /** Removes content and record; harmless when there is none. */
  remove(transferId: string): Promise<void> {
    return this.#inTurn(() => this.#remove(transferId));
  }

  async #remove(transferId: string): Promise<void> {
    // A record without content is seen and taken away; content without a record would stay for ever.
    for (const objectKey of [contentKey(transferId), recordKey(transferId)]) {
      await this.store.remove(objectKey, "file").catch(ignoreMissing);
    }
    this.room.leave(transferId);
    const content = this.#contents.get(transferId);
    this.#contents.delete(transferId);
    if (content !== undefined) this.#infected.delete(content);
  }

  #know(file: HeldFile): void {
    const { transferId, accountName, bytes, state } = file;
    this.room.hold(transferId, { accountName, bytes });
    if (state !== "infected") return;
    this.#infected.set(contentId(file), transferId);
    this.#contents.set(transferId, contentId(file));
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => {});
    return result;
  }

  /** Oldest upload first, at most `limit`. */
  async list({ after, limit }: { after?: string | undefined; limit: number }): Promise<HeldPage> {
    const start = after === undefined ? undefined : `${after}.json`;
    const page = await this.store.list(recordFolder, { after: start, limit }).catch((error: unknown) => {
      ignoreMissing(error);
      return { entries: [], next: undefined };
    });
    const found = await Promise.all(page.entries.map(({ name }) => this.find(name.replace(/\.json$/, ""))));
    return { files: found.filter((file) => file !== undefined), next: page.next?.replace(/\.json$/, "") };
  }

  async *all(): AsyncGenerator<HeldFile> {
    for (let after: string | undefined; ; ) {
      const { files, next } = await this.list({ after, limit: limits.quarantinePageDefaultEntries });
      yield* files;
      if (next === undefined) return;
      after = next;
    }
  }
}

function contentId({ accountName, path, sha256 }: HeldFile): string {
  return JSON.stringify([accountName, path, sha256]);
}

function recordKey(transferId: string): string {
  return `${recordFolder}/${transferId}.json`;
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof FileError && error.code === "not-found")) throw error;
}
