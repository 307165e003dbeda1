import { limits } from "../../core/limits.ts";
import type { StoredEntry } from "../../ports/object-store.ts";
import { digestOf } from "./content-digest.ts";
import type { Kept, NewestUpload, OpenedUpload, ResumableUploads } from "./resumable-uploads.ts";
import type { SessionServices } from "./services.ts";
import type { Resumption } from "./transfer.ts";

export interface UploadResumptionParts {
  readonly services: Pick<SessionServices, "objects" | "runtime">;
  readonly uploads: ResumableUploads;
  readonly upload: NewestUpload;
  /** Whether it builds on a file that is there, with which it can be begun again. */
  readonly hasExisting: boolean;
}

/** How an upload takes up what is kept of another one, and is kept itself when it breaks off. */
export class UploadResumption {
  readonly #parts: UploadResumptionParts;

  constructor(parts: UploadResumptionParts) {
    this.#parts = parts;
  }

  /** @throws as `ResumableUploads.open` */
  open(keepsContent: boolean): Promise<OpenedUpload> {
    const { uploads, upload, hasExisting } = this.#parts;
    return uploads.open(upload, keepsContent && !hasExisting);
  }

  /** What goes on record with the start of the upload. */
  recordOf({ kept }: OpenedUpload): Resumption {
    return {
      ...(this.isKept && { resumable: true }),
      ...(kept && { resumes: kept.transferId, resumedBytes: kept.bytes }),
    };
  }

  /** Whether the bytes are to be kept when the upload breaks off. */
  get isKept(): boolean {
    return !this.#parts.hasExisting;
  }

  /** As `ResumableUploads.keptUntilMs`. */
  keptUntilMs(): Promise<number | undefined> {
    return this.#parts.uploads.keptUntilMs(this.#parts.upload);
  }

  keep(kept: Kept): Promise<void> {
    return this.#parts.uploads.keep(this.#parts.upload, kept);
  }

  /** The upload has ended for good. */
  end(): Promise<void> {
    const { uploads, upload } = this.#parts;
    return uploads.end(upload);
  }

  /**
   * Reads back what was published: nobody here has seen the bytes of the earlier upload. Undefined where the file has
   * been replaced since, or a client would wait too long for it.
   */
  async sha256Of({ etag }: StoredEntry): Promise<string | undefined> {
    const { services, upload } = this.#parts;
    const content = await digestOf(services, upload.objectKey, limits.resumedDigestMs);
    return content?.etag === etag ? content.sha256 : undefined;
  }
}
