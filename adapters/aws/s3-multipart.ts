import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  type CompleteMultipartUploadCommandOutput,
  CreateMultipartUploadCommand,
  ListPartsCommand,
  type Part,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { FileError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import type { Conditions, ObjectBody, S3Bucket } from "./s3-bucket.ts";
import { isNamed, statusOf } from "./s3-errors.ts";

/** A multipart upload by the id that S3 gave it. */
export interface Multipart {
  readonly objectKey: string;
  readonly multipartId: string;
}

export async function beginMultipart(
  bucket: S3Bucket,
  objectKey: string,
  Metadata: Record<string, string>,
  Tagging?: string,
): Promise<Multipart> {
  const command = new CreateMultipartUploadCommand({
    Bucket: bucket.name,
    Key: objectKey,
    ...bucket.encryption,
    Metadata,
    Tagging,
    ChecksumAlgorithm: "CRC32",
  });
  const { UploadId } = await bucket.client.send(command);
  if (UploadId === undefined) throw new FileError("unavailable", "the store began an upload without an id");
  return { objectKey, multipartId: UploadId };
}

/** Frees what S3 keeps of it; harmless when it is gone. */
export async function abortMultipart(bucket: S3Bucket, multipart: Multipart): Promise<void> {
  try {
    await bucket.client.send(new AbortMultipartUploadCommand(address(bucket, multipart)));
  } catch (error) {
    if (!isGone(error)) throw error;
  }
}

/** Whether it is neither completed nor aborted. */
export async function isMultipartOpen(bucket: S3Bucket, multipart: Multipart): Promise<boolean> {
  try {
    await bucket.client.send(new ListPartsCommand({ ...address(bucket, multipart), MaxParts: 1 }));
    return true;
  } catch (error) {
    if (isGone(error)) return false;
    throw error;
  }
}

/** All parts that S3 has of it, in the order of their numbers; undefined where there is no such multipart upload. */
export async function partsOf(bucket: S3Bucket, multipart: Multipart): Promise<readonly SentPart[] | undefined> {
  const parts: SentPart[] = [];
  let marker: string | undefined;
  do {
    const command = new ListPartsCommand({ ...address(bucket, multipart), PartNumberMarker: marker });
    const answer = bucket.client.send(command).catch((error: unknown) => {
      if (!isGone(error)) throw error;
    });
    const page = await bucket.attempt(answer);
    if (!page) return undefined;
    parts.push(...(page.Parts ?? []).map(sentPart));
    marker = page.IsTruncated ? page.NextPartNumberMarker : undefined;
  } while (marker !== undefined);
  return parts;
}

function sentPart({ PartNumber = 0, ETag, ChecksumCRC32, Size = 0 }: Part): SentPart {
  return { PartNumber, ETag, ...(ChecksumCRC32 !== undefined && { ChecksumCRC32 }), bytes: Size };
}

/** Those from the first on that have none missing before them; the parts are in the order of their numbers. */
export function inARow(parts: readonly SentPart[]): readonly SentPart[] {
  const gap = parts.findIndex(({ PartNumber }, index) => PartNumber !== index + 1);
  return gap < 0 ? parts : parts.slice(0, gap);
}

export function bytesOf(parts: readonly SentPart[]): number {
  return parts.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** S3 checks the sum of the sizes, and through the checksums that these are the parts that it was sent. */
export function completeMultipart(
  bucket: S3Bucket,
  multipart: Multipart,
  content: { readonly parts: readonly CompletedPart[]; readonly bytes: number },
  conditions: Conditions,
): Promise<CompleteMultipartUploadCommandOutput> {
  const command = new CompleteMultipartUploadCommand({
    ...address(bucket, multipart),
    ...conditions,
    MultipartUpload: { Parts: [...content.parts].sort((a, b) => (a.PartNumber ?? 0) - (b.PartNumber ?? 0)) },
    MpuObjectSize: content.bytes,
  });
  return bucket.making(multipart.objectKey, bucket.client.send(command));
}

/** Whether S3 says that there is no such multipart upload. */
export function isGone(error: unknown): boolean {
  return isNamed(error, "NoSuchUpload") || statusOf(error) === 404;
}

function address({ name }: S3Bucket, { objectKey, multipartId }: Multipart) {
  return { Bucket: name, Key: objectKey, UploadId: multipartId };
}

export interface OutgoingPart extends ObjectBody {
  /** Called when the body is no longer needed. */
  readonly release: () => void;
}

/** A part that S3 has. */
export interface SentPart extends CompletedPart {
  readonly PartNumber: number;
  readonly bytes: number;
}

export interface PartSenderOptions {
  readonly bucket: S3Bucket;
  readonly multipart: Multipart;
  readonly signal: AbortSignal;
}

/** The parts of one upload on their way: a few at a time, each sent whole. */
export class PartSender {
  readonly #bucket: S3Bucket;
  readonly #multipart: Multipart;
  readonly #signal: AbortSignal;
  readonly #sending = new Set<Promise<void>>();
  readonly #parts: SentPart[];
  #begun: number;
  #failure: { readonly reason: unknown } | undefined;

  /** `sent` are parts of an earlier upload, in a row from the first. */
  constructor(options: PartSenderOptions, sent: readonly SentPart[] = []) {
    this.#bucket = options.bucket;
    this.#multipart = options.multipart;
    this.#signal = options.signal;
    this.#parts = [...sent];
    this.#begun = sent.length;
  }

  /** Resolves when the part is on its way; the failure of an earlier one is thrown here. */
  async send(part: OutgoingPart): Promise<void> {
    while (this.#sending.size >= limits.storePartsAtOnce) await Promise.race(this.#sending);
    this.#throwFailure(part);
    this.#begun += 1;
    const sending = this.#send(this.#begun, part).finally(() => this.#sending.delete(sending));
    this.#sending.add(sending);
  }

  /** Every part is with S3. */
  async settled(): Promise<{ readonly parts: readonly CompletedPart[]; readonly bytes: number }> {
    await this.ended();
    this.#throwFailure();
    const parts = this.#parts.map(({ bytes: _, ...part }) => part);
    return { parts, bytes: bytesOf(this.#parts) };
  }

  /** What S3 has from the beginning on, whatever became of the rest. */
  async inARow(): Promise<readonly SentPart[]> {
    await this.ended();
    return inARow([...this.#parts].sort((a, b) => a.PartNumber - b.PartNumber));
  }

  /** Goes on behind so many parts. What S3 has behind them is sent again, or is no part of the object. */
  cut(count: number): void {
    this.#parts.length = count;
    this.#begun = count;
  }

  /** No part is on its way, whatever became of it. */
  async ended(): Promise<void> {
    await Promise.all(this.#sending);
  }

  async #send(PartNumber: number, { body, crc32, release }: OutgoingPart): Promise<void> {
    const command = new UploadPartCommand({
      ...address(this.#bucket, this.#multipart),
      PartNumber,
      Body: body,
      ContentLength: body.length,
      ChecksumCRC32: crc32,
    });
    try {
      const { ETag } = await this.#bucket.client.send(command, { abortSignal: this.#signal });
      this.#parts.push({ PartNumber, ETag, ChecksumCRC32: crc32, bytes: body.length });
    } catch (reason) {
      this.#failure ??= { reason };
    } finally {
      release();
    }
  }

  #throwFailure(part?: OutgoingPart): void {
    if (!this.#failure) return;
    part?.release();
    throw this.#failure.reason;
  }
}
