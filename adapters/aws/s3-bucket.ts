import {
  CopyObjectCommand,
  type CopyObjectCommandInput,
  DeleteObjectCommand,
  HeadObjectCommand,
  type HeadObjectCommandOutput,
  ListObjectsV2Command,
  type ListObjectsV2CommandOutput,
  PutObjectCommand,
  type PutObjectCommandOutput,
  type S3Client,
} from "@aws-sdk/client-s3";
import { FileError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import { utf8Length } from "../../core/virtual-path.ts";
import type { StoredEntry } from "../../ports/object-store.ts";
import { BeingScanned, statusOf, toFileError } from "./s3-errors.ts";
import { RecentNames } from "./s3-recent-names.ts";

/** What a request must find at the key, or S3 refuses it. */
export interface Conditions {
  readonly IfNoneMatch?: "*" | undefined;
  readonly IfMatch?: string | undefined;
}

export interface ObjectBody {
  readonly body: Uint8Array;
  /** Base64, as S3 has it. */
  readonly crc32: string;
}

/** Members of requests that write, for example the key of KMS; by default the bucket decides. */
export interface Encryption {
  readonly ServerSideEncryption?: "AES256" | "aws:kms" | "aws:kms:dsse" | undefined;
  readonly SSEKMSKeyId?: string | undefined;
  readonly BucketKeyEnabled?: boolean | undefined;
}

export interface BucketOptions {
  readonly encryption?: Encryption | undefined;
  /** By default limits.storeRecentMs. */
  readonly recentMs?: number | undefined;
  /** Whether the bucket's policy denies an object until it was found clean. By default it denies none. */
  readonly isHeld?: ((objectKey: string) => boolean) | undefined;
}

export const directoryEntry: StoredEntry = { type: "directory", size: 0, modifiedAtMs: 0, etag: "" };

/** Requests to one bucket, an error of S3 being what it is until {@link toFileError}. */
export class S3Bucket {
  readonly client: S3Client;
  readonly name: string;
  readonly encryption: Encryption;
  readonly recent: RecentNames;
  readonly #isHeld: (objectKey: string) => boolean;

  constructor(client: S3Client, name: string, options: BucketOptions = {}) {
    const { encryption = {}, recentMs, isHeld = () => false } = options;
    this.#isHeld = isHeld;
    this.client = client;
    this.name = name;
    this.encryption = encryption;
    this.recent = new RecentNames(recentMs);
  }

  /** Undefined when nothing has exactly this key. */
  async head(objectKey: string, versionId?: string): Promise<HeadObjectCommandOutput | undefined> {
    try {
      return await this.client.send(new HeadObjectCommand({ ...this.#at(objectKey), VersionId: versionId }));
    } catch (error) {
      // 405 is for a version that marks a deletion.
      if (statusOf(error) === 404 || statusOf(error) === 405) return undefined;
      throw this.meaningOf(error, objectKey);
    }
  }

  /** What a refusal to read the object means. */
  meaningOf(error: unknown, objectKey: string): unknown {
    return statusOf(error) === 403 && this.#isHeld(objectKey) ? new BeingScanned(error) : toFileError(error);
  }

  /** Of an object that is being scanned, what a listing shows. */
  async entryAt(objectKey: string): Promise<StoredEntry | undefined> {
    try {
      const head = await this.head(objectKey);
      return head && entryOf(head, head.ContentLength ?? 0);
    } catch (error) {
      if (!(error instanceof BeingScanned)) throw error;
      const { Contents = [] } = await this.list({ Prefix: objectKey, MaxKeys: 1 });
      const found = Contents.find(({ Key: listed }) => listed === objectKey);
      return found && entryOf(found, found.Size ?? 0);
    }
  }

  /** Whether there is an object with exactly this key, be it read or not. */
  async exists(objectKey: string): Promise<boolean> {
    return (await this.entryAt(objectKey)) !== undefined;
  }

  /** The first keys that begin with the prefix, at most `count`. */
  async firstKeys(prefix: string, count: number): Promise<readonly string[]> {
    const { Contents = [] } = await this.list({ Prefix: prefix, MaxKeys: count });
    return Contents.flatMap(({ Key: objectKey }) => objectKey ?? []);
  }

  async list(options: {
    readonly Prefix: string;
    readonly MaxKeys: number;
    readonly Delimiter?: "/";
    readonly StartAfter?: string | undefined;
    readonly ContinuationToken?: string | undefined;
  }): Promise<ListObjectsV2CommandOutput> {
    return this.attempt(this.client.send(new ListObjectsV2Command({ Bucket: this.name, ...options })));
  }

  async put(
    objectKey: string,
    { body, crc32 }: ObjectBody,
    options: Conditions & { readonly Metadata?: Record<string, string> },
  ): Promise<PutObjectCommandOutput> {
    const command = new PutObjectCommand({
      ...this.#at(objectKey),
      ...this.encryption,
      ...options,
      Body: body,
      ContentLength: body.length,
      ChecksumCRC32: crc32,
    });
    return this.making(objectKey, this.client.send(command));
  }

  async copy(fromKey: string, toKey: string, options: Partial<CopyObjectCommandInput>) {
    const command = new CopyObjectCommand({
      ...this.#at(toKey),
      ...this.encryption,
      // A tag says what a scan found of that very object; the copy is scanned again.
      TaggingDirective: "REPLACE",
      ...options,
      CopySource: this.sourceOf(fromKey),
    });
    return this.making(toKey, this.client.send(command));
  }

  /** Whatever comes of it, what was known of the names that the object may change is known no longer. */
  making<T>(objectKey: string, answer: Promise<T>): Promise<T> {
    return answer.finally(() => this.recent.made(objectKey));
  }

  /** Harmless when nothing is there, unless a version is asked for. @throws FileError `precondition-failed`. */
  async delete(objectKey: string, etag?: string): Promise<void> {
    const condition = etag === undefined ? {} : { IfMatch: `"${etag}"` };
    const deleted = this.client.send(new DeleteObjectCommand({ ...this.#at(objectKey), ...condition }));
    const isMarker = objectKey.endsWith("/");
    await this.attempt(isMarker ? deleted.finally(() => this.recent.forgetAll()) : deleted);
  }

  /** As `CopySource` wants it. */
  sourceOf(objectKey: string): string {
    return `${this.name}/${objectKey.split("/").map(encodeURIComponent).join("/")}`;
  }

  async attempt<T>(answer: Promise<T>): Promise<T> {
    try {
      return await answer;
    } catch (error) {
      throw toFileError(error);
    }
  }

  #at(objectKey: string) {
    return { Bucket: this.name, Key: objectKey };
  }
}

export interface Described {
  readonly ETag?: string | undefined;
  readonly LastModified?: Date | undefined;
  readonly Metadata?: Record<string, string> | undefined;
}

export function entryOf({ ETag, LastModified, Metadata }: Described, size: number): StoredEntry {
  const modifiedAtMs = modifiedIn(Metadata) ?? LastModified?.getTime() ?? 0;
  return { type: "file", size, modifiedAtMs, etag: withoutQuotes(ETag) };
}

export function withoutQuotes(etag: string | undefined): string {
  return (etag ?? "").replaceAll('"', "");
}

/** Seconds with three decimals under `mtime`, as rclone writes and reads it; the upload that made the object. */
export function metadataOf(modifiedAtMs: number, transferId: string | undefined): Record<string, string> {
  const mtime = (modifiedAtMs / 1000).toFixed(3);
  return transferId === undefined ? { mtime } : { mtime, "ferrygate-transfer": transferId };
}

export function transferIn(metadata: Record<string, string> | undefined): string | undefined {
  return metadata?.["ferrygate-transfer"];
}

function modifiedIn(metadata: Record<string, string> | undefined): number | undefined {
  const seconds = Number(metadata?.mtime ?? Number.NaN);
  return Number.isFinite(seconds) ? Math.round(seconds * 1000) : undefined;
}

export function folderMarker(directoryKey: string): string {
  const marker = directoryKey === "" ? "" : `${directoryKey}/`;
  if (utf8Length(marker) > limits.objectKeyBytes)
    throw new FileError("invalid-path", "the path is too long for a folder");
  return marker;
}
