import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  type CompleteMultipartUploadCommandOutput,
  CreateMultipartUploadCommand,
  ListPartsCommand,
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
): Promise<Multipart> {
  const command = new CreateMultipartUploadCommand({
    Bucket: bucket.name,
    Key: objectKey,
    ...bucket.encryption,
    Metadata,
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

/** The parts of one upload on their way: a few at a time, each sent whole. */
export class PartSender {
  readonly #bucket: S3Bucket;
  readonly #multipart: Multipart;
  readonly #signal: AbortSignal;
  readonly #sending = new Set<Promise<void>>();
  readonly #parts: CompletedPart[] = [];
  #begun = 0;
  #bytes = 0;
  #failure: { readonly reason: unknown } | undefined;

  constructor(bucket: S3Bucket, multipart: Multipart, signal: AbortSignal) {
    this.#bucket = bucket;
    this.#multipart = multipart;
    this.#signal = signal;
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
    return { parts: this.#parts, bytes: this.#bytes };
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
      this.#parts.push({ PartNumber, ETag, ChecksumCRC32: crc32 });
      this.#bytes += body.length;
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
