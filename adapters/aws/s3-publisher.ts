import { setTimeout as delay } from "node:timers/promises";
import { ListObjectVersionsCommand } from "@aws-sdk/client-s3";
import { FileError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import { objectKeySegments } from "../../core/object-key.ts";
import type { PublishOptions, StoredEntry } from "../../ports/object-store.ts";
import {
  type Conditions,
  entryOf,
  metadataOf,
  type ObjectBody,
  type S3Bucket,
  transferIn,
  withoutQuotes,
} from "./s3-bucket.ts";
import type { S3Copies } from "./s3-copies.ts";
import { isNamed, mayHaveHadEffect, statusOf, toFileError } from "./s3-errors.ts";
import type { S3Folders } from "./s3-folders.ts";
import { abortMultipart, completeMultipart, isMultipartOpen, type Multipart } from "./s3-multipart.ts";
import type { StagedUpload, StagingRecord } from "./s3-staging.ts";

type Content = Parameters<typeof completeMultipart>[2];

/** A whole file, in memory or in parts that S3 keeps. */
export interface Publication extends PublishOptions {
  readonly size: number;
  readonly modifiedAtMs: number;
  readonly body?: ObjectBody;
  /** `beganAtMs` is the time in its metadata. */
  readonly multipart?: Multipart & Content & { readonly beganAtMs: number };
}

export interface PublisherOptions {
  readonly bucket: S3Bucket;
  readonly staging: StagingRecord;
  readonly folders: S3Folders;
  readonly copies: S3Copies;
  readonly settleMs: number;
}

const conflictTries = 5;
const conflictRetryMs = 100;

/** Makes uploads visible, and knows afterwards which of them are. */
export class Publisher {
  readonly #options: PublisherOptions;
  /** When the answer to a PutObject was lost that may still take effect. */
  readonly #unsettled = new Map<string, number>();

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  /** @throws FileError `already-exists`, `precondition-failed`, `not-a-file`. */
  async publish(upload: StagedUpload, publication: Publication): Promise<StoredEntry> {
    const { folders, staging } = this.#options;
    if (await folders.isRecentFolder(upload.objectKey)) throw new FileError("not-a-file", "a folder has this name");
    if (publication.multipart) await this.#assertOpen(upload);
    const entry = await this.#answered(upload, publication);
    await staging.change(upload.transferId, { state: "published" });
    return entry;
  }

  /** Parts that were taken from a process that was silent for too long may be those of another upload by now. */
  async #assertOpen({ transferId }: StagedUpload): Promise<void> {
    const upload = await this.#options.staging.find(transferId);
    if (upload?.state !== "open") throw new FileError("unavailable", "the upload was ended by another process");
  }

  /** Whether the content of this upload has been what the key leads to. */
  async outcomeOf(objectKey: string, transferId: string): Promise<"published" | "unpublished"> {
    const segments = objectKeySegments(objectKey);
    const upload = await this.#options.staging.find(transferId);
    if (upload?.state === "published") return "published";
    if (upload?.state === "aborted" || upload?.state === "kept" || segments.length === 0) return "unpublished";
    const contentId = upload?.contentId ?? transferId;
    if (await this.#isThere(objectKey, contentId)) return "published";
    const sinceMs = this.#unsettled.get(transferId) ?? Number.NEGATIVE_INFINITY;
    if (Date.now() < sinceMs + this.#options.settleMs) {
      throw new FileError("unavailable", "the store has not said whether the file was published");
    }
    return upload && (await this.#wasReplaced(upload)) ? "published" : "unpublished";
  }

  /** Nothing will be published: gives back what S3 keeps. The upload stays on record as that. */
  async forgo(transferId: string, multipart: Multipart | undefined): Promise<void> {
    const { bucket, staging } = this.#options;
    await staging.change(transferId, { state: "aborted" });
    if (multipart) await bucket.attempt(abortMultipart(bucket, multipart));
  }

  /** Forgets an upload; one that is published stays on record as that. */
  async discard(transferId: string): Promise<void> {
    const { bucket, staging } = this.#options;
    const upload = await staging.find(transferId);
    if (!upload || upload.state === "published") return;
    const { objectKey, multipartId } = upload;
    if (multipartId !== undefined && !(await this.#isPending(upload))) {
      await bucket.attempt(abortMultipart(bucket, { objectKey, multipartId }));
    }
    this.#unsettled.delete(transferId);
    await staging.remove(transferId);
  }

  /** Parts that a client sent by itself are there for another try. */
  async #isPending({ contentId }: StagedUpload): Promise<boolean> {
    return contentId !== undefined && (await this.#options.staging.find(contentId))?.state === "pending";
  }

  /** The object when it is there, whether S3 said so or not. */
  async #answered(upload: StagedUpload, publication: Publication): Promise<StoredEntry> {
    try {
      return await this.#request(upload, publication);
    } catch (error) {
      const { objectKey, transferId, contentId = transferId } = upload;
      const isLost = mayHaveHadEffect(error);
      // A condition may fail because an earlier try, whose answer was lost, has made it so.
      const head = await this.#options.bucket.head(objectKey).catch(() => undefined);
      if (head && transferIn(head.Metadata) === contentId) return entryOf(head, publication.size);
      if (isLost && publication.body) this.#unsettled.set(transferId, Date.now());
      throw refusal(error, publication);
    }
  }

  async #request(upload: StagedUpload, publication: Publication): Promise<StoredEntry> {
    const conditions = conditionsOf(publication);
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.#publishOnce(upload, publication, conditions);
      } catch (error) {
        // Somebody else writes to the key at this moment; who of both is first is known after that.
        if (!isNamed(error, "ConditionalRequestConflict") || tries === conflictTries) throw error;
        await delay(conflictRetryMs * tries);
      }
    }
  }

  async #publishOnce(
    { objectKey, transferId, contentId = transferId }: StagedUpload,
    publication: Publication,
    conditions: Conditions,
  ): Promise<StoredEntry> {
    const { bucket, copies } = this.#options;
    const { body, multipart, size, modifiedAtMs } = publication;
    if (body) {
      const options = { ...conditions, Metadata: metadataOf(modifiedAtMs, contentId) };
      return fileEntry(await bucket.put(objectKey, body, options), size, modifiedAtMs);
    }
    if (!multipart) throw new Error("a file is in memory or in parts");
    const { beganAtMs } = multipart;
    const entry = fileEntry(await completeMultipart(bucket, multipart, multipart, conditions), size, beganAtMs);
    return modifiedAtMs === beganAtMs ? entry : copies.withTime(objectKey, entry, metadataOf(modifiedAtMs, contentId));
  }

  async #isThere(objectKey: string, contentId: string): Promise<boolean> {
    return transferIn((await this.#options.bucket.head(objectKey))?.Metadata) === contentId;
  }

  /**
   * Whether another version has taken the place of the upload's. A multipart upload that nobody aborted is gone only
   * when it was completed; where the bucket keeps versions, they tell of any.
   */
  async #wasReplaced(upload: StagedUpload): Promise<boolean> {
    const { bucket } = this.#options;
    const { objectKey, multipartId, transferId, contentId = transferId } = upload;
    if (multipartId !== undefined && (await bucket.attempt(isMultipartOpen(bucket, { objectKey, multipartId })))) {
      return false;
    }
    for (const versionId of await this.#versionsOf(objectKey)) {
      const version = await bucket.head(objectKey, versionId);
      if (transferIn(version?.Metadata) === contentId) return true;
    }
    // S3 ends multipart uploads by itself after days, where the bucket has a rule for that.
    const isYoung = Date.now() - upload.startedAtMs < limits.storeOutcomeMs / 7;
    return multipartId !== undefined && isYoung;
  }

  async #versionsOf(objectKey: string): Promise<readonly string[]> {
    const { bucket } = this.#options;
    const command = new ListObjectVersionsCommand({
      Bucket: bucket.name,
      Prefix: objectKey,
      MaxKeys: limits.storeVersions,
    });
    const { Versions = [] } = await bucket.attempt(bucket.client.send(command));
    return Versions.flatMap(({ Key: found, VersionId, IsLatest }) =>
      found === objectKey && VersionId !== undefined && !IsLatest ? [VersionId] : [],
    );
  }
}

function fileEntry({ ETag }: { readonly ETag?: string | undefined }, size: number, modifiedAtMs: number): StoredEntry {
  return { type: "file", size, modifiedAtMs, etag: withoutQuotes(ETag) };
}

function conditionsOf({ exclusive, replacesEtag }: PublishOptions): Conditions {
  if (exclusive) return { IfNoneMatch: "*" };
  return replacesEtag === undefined ? {} : { IfMatch: `"${replacesEtag}"` };
}

/** What a condition that did not hold means here. */
function refusal(error: unknown, { exclusive, replacesEtag }: PublishOptions): unknown {
  const status = statusOf(error);
  const isConflict = isNamed(error, "ConditionalRequestConflict");
  if (exclusive && (status === 412 || isConflict)) {
    return new FileError("already-exists", "a file with this name is there", { cause: error });
  }
  if (replacesEtag !== undefined && (status === 412 || isConflict || isNamed(error, "NoSuchKey"))) {
    return new FileError("precondition-failed", "the file has changed", { cause: error });
  }
  return toFileError(error);
}
