import { FileError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import { evaluateLogin } from "../../core/login.ts";
import { parseVirtualPath } from "../../core/virtual-path.ts";
import type {
  DirectPartStore,
  PendingUpload,
  PendingUploadStore,
  UploadPart,
  UploadPartStore,
} from "../../ports/pending-uploads.ts";
import type { SessionServices } from "./services.ts";
import type { Session } from "./session.ts";
import type { Receipt, Upload, UploadOptions } from "./upload.ts";

export interface PartUploadsOptions {
  readonly services: SessionServices;
  readonly uploads: PendingUploadStore;
  /** Takes what comes through this server, or tells clients where to send it. */
  readonly parts: UploadPartStore | DirectPartStore;
}

/** What is asked of an upload that comes in parts. */
export interface PartUploadRequest {
  readonly path: string;
  readonly bytes?: number | undefined;
  readonly partSizeBytes?: number | undefined;
}

/** `urls` is undefined where parts come through this server. */
export interface PartPlaces {
  readonly upload: PendingUpload;
  readonly urls: readonly string[] | undefined;
}

interface Assembly {
  readonly path: string;
  readonly uploadId: string;
  readonly parts: readonly UploadPart[];
  readonly options: UploadOptions;
}

interface ReadableParts {
  readonly store: UploadPartStore;
  readonly uploadId: string;
  readonly parts: readonly UploadPart[];
}

export interface IncomingPart {
  readonly uploadId: string;
  readonly partNumber: number;
  readonly peerAddress: string;
  readonly content: AsyncIterable<Uint8Array>;
}

/**
 * Large files in parts, so that what a broken line costs is one part. The permission to write is asked for at the start
 * and again at the end; the file becomes one transfer, which is on record when the parts are put together.
 */
export class PartUploads {
  readonly #options: PartUploadsOptions;
  readonly #stopEnding: () => void;
  /** Uploads whose parts are being put together. */
  readonly #completing = new Set<string>();

  constructor(options: PartUploadsOptions) {
    this.#options = options;
    const { runtime } = options.services;
    this.#stopEnding = runtime.every(limits.pendingUploadReviewMs, () => {
      this.removeExpired().catch((error: unknown) =>
        runtime.log.error("expired uploads could not be removed", { error: `${error}` }),
      );
    });
  }

  /** @throws FileError as `Session.upload`, and `quota-exceeded` for an account with too many pending uploads. */
  async start(session: Session, request: PartUploadRequest, options: UploadOptions): Promise<PendingUpload> {
    const { services, uploads, parts } = this.#options;
    const { objectKey } = await session.mayUpload(request.path, options);
    const accountName = session.account?.name ?? "";
    if ((await uploads.ofAccount(accountName)).length >= limits.pendingUploadsPerAccount) {
      const message = "the account has too many uploads in parts; complete or delete some, or wait until they expire";
      throw new FileError("quota-exceeded", message);
    }
    const upload: PendingUpload = {
      uploadId: services.runtime.newId(),
      accountName,
      path: parseVirtualPath(request.path),
      bytes: request.bytes,
      partSizeBytes: partSizeFor(request, isDirect(parts) ? parts.smallestPartBytes : 1),
      expiresAtMs: services.runtime.now() + limits.pendingUploadMs,
    };
    if (isDirect(parts)) await parts.begin(upload.uploadId, objectKey);
    await uploads.add(upload);
    return upload;
  }

  /**
   * Where the bytes of a part are to be sent instead, for whoever was given its URL; undefined where this server takes
   * them. @throws FileError `not-found`, `permission-denied`.
   */
  async placeOf(part: Omit<IncomingPart, "content">): Promise<string | undefined> {
    const { parts } = this.#options;
    if (!isDirect(parts)) return undefined;
    await this.#opened(part);
    return parts.urlOf(part.uploadId, part.partNumber);
  }

  /** As {@link placeOf}, for several parts of an upload of the session's account. */
  async placesOf(session: Session, uploadId: string, partNumbers: readonly number[]): Promise<PartPlaces> {
    const { parts } = this.#options;
    const upload = await this.#own(session, uploadId);
    if (!isDirect(parts)) return { upload, urls: undefined };
    return { upload, urls: await Promise.all(partNumbers.map((partNumber) => parts.urlOf(uploadId, partNumber))) };
  }

  /**
   * Takes one part from whoever was given its URL, as long as the account may log in from there.
   * @throws FileError `not-found`, `permission-denied`, `too-large`, and what `content` throws.
   */
  async writePart({ content, ...part }: IncomingPart): Promise<UploadPart> {
    const { parts } = this.#options;
    const upload = await this.#opened(part);
    if (isDirect(parts)) throw new FileError("unsupported", "parts go straight to the store");
    return parts.write(part.uploadId, part.partNumber, bounded(content, upload.partSizeBytes));
  }

  /** The uploads of the session's account that can go on, oldest first. */
  async list(session: Session): Promise<readonly PendingUpload[]> {
    const { services, uploads } = this.#options;
    const own = await uploads.ofAccount(session.account?.name ?? "");
    const nowMs = services.runtime.now();
    return own.filter(({ expiresAtMs }) => nowMs < expiresAtMs).sort((a, b) => a.expiresAtMs - b.expiresAtMs);
  }

  /** @throws FileError `not-found`, also for the uploads of other accounts. */
  async describe(
    session: Session,
    uploadId: string,
  ): Promise<{ readonly upload: PendingUpload; readonly parts: readonly UploadPart[] }> {
    const upload = await this.#own(session, uploadId);
    return { upload, parts: await this.#options.parts.list(uploadId) };
  }

  /**
   * Puts the parts together in the order of their numbers and publishes the file. Where that fails, the parts stay.
   * @throws FileError `integrity` for a missing part or bytes that are not those announced, and as `Session.upload`.
   */
  async complete(session: Session, uploadId: string, options: UploadOptions): Promise<Receipt> {
    const { path, bytes } = await this.#own(session, uploadId);
    if (this.#completing.has(uploadId)) throw new FileError("unavailable", "the upload is being completed already");
    this.#completing.add(uploadId);
    try {
      const parts = await this.#options.parts.list(uploadId);
      assertNoneMissing(parts);
      const receipt = await this.#publish(session, { path, uploadId, parts, options: { ...options, bytes } });
      await this.#forget(uploadId);
      return receipt;
    } finally {
      this.#completing.delete(uploadId);
    }
  }

  /** Gives an upload up. @throws FileError `not-found`. */
  async abandon(session: Session, uploadId: string): Promise<void> {
    await this.#own(session, uploadId);
    await this.#forget(uploadId);
  }

  async removeExpired(): Promise<void> {
    const { services, uploads } = this.#options;
    for (const { uploadId } of await uploads.expired(services.runtime.now())) {
      if (!this.#completing.has(uploadId)) await this.#forget(uploadId);
    }
  }

  /** Leaves uploads alone from here on, for a server that stops: they go on after its next start. */
  close(): void {
    this.#stopEnding();
  }

  /** The parts first: an upload that is not found is forgotten. */
  async #forget(uploadId: string): Promise<void> {
    const { uploads, parts } = this.#options;
    if (isDirect(parts)) await parts.remove(uploadId);
    await uploads.remove(uploadId);
  }

  async #publish(session: Session, { path, uploadId, parts, options }: Assembly): Promise<Receipt> {
    const store = this.#options.parts;
    if (!isDirect(store)) return this.#assemble(await session.upload(path, options), { store, uploadId, parts });
    const open = (transferId: string) => store.assemble(uploadId, transferId, parts);
    const upload = await session.upload(path, options, open);
    upload.adopt(parts.reduce((sum, part) => sum + part.bytes, 0));
    return receiptOf(await upload.commit());
  }

  async #assemble(upload: Upload, { store, uploadId, parts }: ReadableParts): Promise<Receipt> {
    try {
      for (const { partNumber } of parts) {
        for await (const chunk of store.read(uploadId, partNumber)) await upload.append(chunk);
      }
    } catch (error) {
      await upload.abort(error instanceof FileError ? error.message : "internal error");
      throw error;
    }
    return receiptOf(await upload.commit());
  }

  /** The upload of a part's URL, as long as its account may log in from where the part comes. */
  async #opened({ uploadId, peerAddress }: Omit<IncomingPart, "content">): Promise<PendingUpload> {
    const { services, uploads } = this.#options;
    const upload = this.#current(await uploads.find(uploadId));
    const account = await services.accounts.find(upload.accountName);
    if (!account || !evaluateLogin(account, services.runtime.now(), peerAddress).ok) {
      throw new FileError("permission-denied", "the account of this upload may not log in", { rule: "login" });
    }
    return upload;
  }

  async #own(session: Session, uploadId: string): Promise<PendingUpload> {
    const upload = this.#current(await this.#options.uploads.find(uploadId));
    if (upload.accountName !== session.account?.name) throw noUpload();
    return upload;
  }

  #current(upload: PendingUpload | undefined): PendingUpload {
    if (!upload || this.#options.services.runtime.now() >= upload.expiresAtMs) throw noUpload();
    return upload;
  }
}

function isDirect(parts: UploadPartStore | DirectPartStore): parts is DirectPartStore {
  return "urlOf" in parts;
}

function receiptOf(receipt: Receipt | undefined): Receipt {
  // Undefined is for uploads that build on an existing file, which these do not.
  if (!receipt) throw new Error("an upload that replaces a file has no receipt");
  return receipt;
}

function noUpload(): FileError {
  return new FileError("not-found", "there is no such upload, or no longer");
}

/** Large enough for the store, and for the file to fit in limits.uploadParts of them. */
function partSizeFor(
  { bytes = 0, partSizeBytes = limits.uploadPartBytes }: PartUploadRequest,
  smallestPartBytes: number,
): number {
  return Math.max(partSizeBytes, smallestPartBytes, Math.ceil(bytes / limits.uploadParts));
}

async function* bounded(content: AsyncIterable<Uint8Array>, maximumBytes: number): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const chunk of content) {
    bytes += chunk.length;
    if (bytes > maximumBytes)
      throw new FileError("too-large", `a part of this upload has at most ${maximumBytes} bytes`);
    yield chunk;
  }
}

function assertNoneMissing(parts: readonly UploadPart[]): void {
  if (parts.length === 0) throw new FileError("integrity", "no part has arrived");
  const gap = parts.findIndex(({ partNumber }, index) => partNumber !== index + 1);
  if (gap >= 0) throw new FileError("integrity", `part ${gap + 1} is missing`);
}
