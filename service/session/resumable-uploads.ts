import type { Account } from "../../core/account.ts";
import { FileError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import type { ObjectStore, ObjectWriter, ReopenedWriter, StoredEntry } from "../../ports/object-store.ts";
import type { ResumableUpload, ResumableUploadStore } from "../../ports/resumable-uploads.ts";
import type { Runtime } from "../../ports/runtime.ts";

export interface ResumableUploadsOptions {
  readonly store: ResumableUploadStore;
  readonly objects: ObjectStore;
  readonly runtime: Runtime;
}

/** Whose upload it is, where it goes, and what it is called. */
export type NewestUpload = Pick<ResumableUpload, "accountName" | "objectKey" | "transferId">;

/** An upload that goes on has the `kept` bytes of another one. */
export type OpenedUpload =
  | { readonly writer: ObjectWriter; readonly kept: undefined }
  | { readonly writer: ReopenedWriter; readonly kept: KeptUpload };

export interface KeptUpload {
  readonly transferId: string;
  readonly bytes: number;
  readonly keptAtMs: number;
}

/** What is on record of the bytes that are kept of an upload that broke off. */
export interface Kept {
  readonly keptBytes: number;
  readonly keptUntilMs: number;
}

/** What one account sees of them. */
export interface OwnUploads {
  readonly uploads: ResumableUploads;
  /** What is kept for the place, as clients ask for it when they want to go on. */
  entryAt(objectKey: string): Promise<StoredEntry | undefined>;
}

/** Undefined where uploads that break off are not kept; over HTTP they go on by their parts. */
export function ownUploads(
  uploads: ResumableUploads | undefined,
  { account, isOneRequest }: { readonly account: Account | undefined; readonly isOneRequest: boolean },
): OwnUploads | undefined {
  if (!uploads || !account || isOneRequest) return undefined;
  const { name, resumableUploads, groups } = account;
  if (resumableUploads !== true && !groups.some((group) => group.resumableUploads === true)) return undefined;
  const entryAt = async (objectKey: string): Promise<StoredEntry | undefined> => {
    const kept = await uploads.find(name, objectKey);
    return kept && { type: "file", size: kept.bytes, modifiedAtMs: kept.keptAtMs, etag: "" };
  };
  return { uploads, entryAt };
}

/**
 * What is kept of uploads that broke off. The newest upload of an account to a place counts: what is left of an older
 * one, which for example hung in a dead connection, is not kept.
 */
export class ResumableUploads {
  readonly #options: ResumableUploadsOptions;
  readonly #stopRemoving: () => void;

  constructor(options: ResumableUploadsOptions) {
    this.#options = options;
    const { runtime } = options;
    this.#stopRemoving = runtime.every(limits.keptUploadReviewMs, () => {
      this.removeExpired().catch((error: unknown) =>
        runtime.log.error("what is kept of uploads could not be removed in time", { error: `${error}` }),
      );
    });
  }

  /** What the account can go on with at this place. */
  async find(accountName: string, objectKey: string): Promise<KeptUpload | undefined> {
    const upload = await this.#options.store.find(accountName, objectKey);
    return upload && this.#keptOf(upload);
  }

  /**
   * Makes the upload the newest of its place. It goes on with what is kept there if it `goesOn`; otherwise that is
   * dropped. @throws FileError `unavailable` when another session goes on with it, and as `ObjectContents.openWrite`.
   */
  async open(upload: NewestUpload, goesOn: boolean): Promise<OpenedUpload> {
    const earlier = await this.#options.store.find(upload.accountName, upload.objectKey);
    const kept = earlier && this.#keptOf(earlier);
    if (earlier && kept && goesOn) return { writer: await this.#reopen(upload, earlier, kept), kept };
    const writer = await this.#options.objects.openWrite(upload.objectKey, upload.transferId);
    await this.#takePlace(upload, earlier).catch(async (error: unknown) => {
      await writer.abort();
      await this.#options.objects.discard(upload.transferId);
      throw error;
    });
    return { writer, kept: undefined };
  }

  /**
   * Until when an upload that breaks off now would be kept, in milliseconds since the epoch. Undefined where it is not:
   * a newer one has begun, a file is there, or too much is kept already.
   */
  async keptUntilMs(upload: NewestUpload): Promise<number | undefined> {
    const { store, objects, runtime } = this.#options;
    const { accountName, objectKey, transferId } = upload;
    const newest = await store.find(accountName, objectKey);
    const isKept =
      newest?.transferId === transferId &&
      (await this.#hasRoom(upload)) &&
      (await objects.stat(objectKey)) === undefined;
    return isKept ? runtime.now() + limits.keptUploadMs : undefined;
  }

  /** Lets the account go on with an upload whose bytes the store keeps; drops them where a newer one has begun. */
  async keep(upload: NewestUpload, { keptBytes, keptUntilMs }: Kept): Promise<void> {
    const { store, objects } = this.#options;
    const { transferId } = upload;
    const isKept = await store.put({ ...upload, keptBytes, expiresAtMs: keptUntilMs }, transferId).catch(async () => {
      await this.end(upload);
      return false;
    });
    if (!isKept) await objects.discard(transferId);
  }

  /** Forgets an upload that has ended otherwise. */
  async end(upload: NewestUpload): Promise<void> {
    await this.#options.store.remove(upload);
  }

  async removeExpired(): Promise<void> {
    const { store, objects, runtime } = this.#options;
    for (const upload of await store.expired(runtime.now())) {
      const isForgotten = await store.remove(upload);
      if (isForgotten && upload.keptBytes !== undefined) await objects.discard(upload.transferId);
    }
  }

  /** Keeps what is kept, for a server that stops. */
  close(): void {
    this.#stopRemoving();
  }

  #keptOf({ transferId, keptBytes, expiresAtMs }: ResumableUpload): KeptUpload | undefined {
    if (keptBytes === undefined || this.#options.runtime.now() >= expiresAtMs) return undefined;
    return { transferId, bytes: keptBytes, keptAtMs: expiresAtMs - limits.keptUploadMs };
  }

  #underWay(upload: NewestUpload): ResumableUpload {
    return { ...upload, keptBytes: undefined, expiresAtMs: this.#options.runtime.now() + limits.newestUploadMs };
  }

  /** Whoever takes the place of what is kept has it, so that two sessions do not write the same file. */
  async #reopen(upload: NewestUpload, earlier: ResumableUpload, kept: KeptUpload): Promise<ReopenedWriter> {
    const { store, objects } = this.#options;
    const { objectKey, transferId } = upload;
    if (!(await store.put(this.#underWay(upload), earlier.transferId))) {
      throw new FileError("unavailable", "another session has just begun an upload of this file");
    }
    try {
      return await objects.reopenWrite(objectKey, transferId, kept);
    } catch (error) {
      await this.#giveBack(upload, earlier).catch(() => {});
      throw error;
    }
  }

  /** Whatever a call did that failed: what is kept stays that, and what is not is not said to be. */
  async #giveBack(upload: NewestUpload, earlier: ResumableUpload): Promise<void> {
    const { store, objects } = this.#options;
    const { transferId } = upload;
    if ((await objects.keep(earlier.transferId)) > 0) await store.put(earlier, transferId);
    else {
      await this.end(upload);
      await objects.discard(earlier.transferId);
    }
    await objects.discard(transferId);
  }

  /** Where many begin at the same moment, those that never come to it are not the newest, and so not kept. */
  async #takePlace(upload: NewestUpload, found: ResumableUpload | undefined): Promise<void> {
    const { store, objects } = this.#options;
    let earlier = found;
    for (let tries = 1; !(await store.put(this.#underWay(upload), earlier?.transferId)); tries += 1) {
      if (tries === limits.newestUploadTries) return;
      earlier = await store.find(upload.accountName, upload.objectKey);
    }
    if (earlier?.keptBytes !== undefined) await objects.discard(earlier.transferId);
  }

  async #hasRoom({ accountName, transferId }: NewestUpload): Promise<boolean> {
    const uploads = await this.#options.store.ofAccount(accountName);
    const others = uploads.filter((one) => one.keptBytes !== undefined && one.transferId !== transferId);
    return others.length < limits.keptUploadsPerAccount;
  }
}
