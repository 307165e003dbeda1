import { type CompletedPart, UploadPartCopyCommand } from "@aws-sdk/client-s3";
import { limits } from "../../core/limits.ts";
import type { StoredEntry } from "../../ports/object-store.ts";
import { type Conditions, entryOf, type S3Bucket, withoutQuotes } from "./s3-bucket.ts";
import { abortMultipart, beginMultipart, completeMultipart, type Multipart } from "./s3-multipart.ts";

/** One version of one object, and where it goes. */
export interface Copy {
  readonly fromKey: string;
  readonly etag: string;
  readonly size: number;
  readonly toKey: string;
  /** Of the copy; that of the original when it is left out. */
  readonly metadata?: Record<string, string> | undefined;
  /** Of the copy, `NAME=VALUE`; without it there are none. */
  readonly tagging?: string | undefined;
  readonly conditions: Conditions;
}

/** Copies inside S3: the bytes never come here, and the copy appears whole. */
export class S3Copies {
  readonly #bucket: S3Bucket;

  constructor(bucket: S3Bucket) {
    this.#bucket = bucket;
  }

  /** The etag of the copy. An object over 5 GiB takes a multipart upload. @throws what S3 says. */
  async copy(copy: Copy): Promise<string> {
    if (copy.size > limits.storeCopyBytes) return this.#copyInParts(copy);
    const { fromKey, toKey, etag, metadata, tagging, conditions } = copy;
    const replacement = metadata ? ({ MetadataDirective: "REPLACE", Metadata: metadata } as const) : {};
    const options = { ...conditions, ...replacement, Tagging: tagging, CopySourceIfMatch: `"${etag}"` };
    const { CopyObjectResult } = await this.#bucket.copy(fromKey, toKey, options);
    return withoutQuotes(CopyObjectResult?.ETag);
  }

  /**
   * The object with other metadata, which takes a copy onto itself. The file is published whether or not that succeeds,
   * so a failure leaves it with the time that it has.
   */
  async withTime(objectKey: string, entry: StoredEntry, metadata: Record<string, string>): Promise<StoredEntry> {
    const { etag, size } = entry;
    const conditions = { IfMatch: `"${etag}"` };
    const copying = this.copy({ fromKey: objectKey, toKey: objectKey, etag, size, metadata, conditions });
    await copying.catch(() => {});
    const head = await this.#bucket.head(objectKey).catch(() => undefined);
    const isOurs = head?.Metadata?.["ferrygate-transfer"] === metadata["ferrygate-transfer"];
    return head && isOurs ? entryOf(head, size) : entry;
  }

  async #copyInParts(copy: Copy): Promise<string> {
    const metadata = copy.metadata ?? (await this.#bucket.head(copy.fromKey))?.Metadata ?? {};
    const multipart = await beginMultipart(this.#bucket, copy.toKey, metadata, copy.tagging);
    try {
      const parts = await this.#copyParts(copy, multipart);
      const content = { parts, bytes: copy.size };
      return withoutQuotes((await completeMultipart(this.#bucket, multipart, content, copy.conditions)).ETag);
    } catch (error) {
      await abortMultipart(this.#bucket, multipart).catch(() => {});
      throw error;
    }
  }

  async #copyParts(copy: Copy, multipart: Multipart): Promise<readonly CompletedPart[]> {
    const parts: CompletedPart[] = [];
    const numbers = Array.from({ length: Math.ceil(copy.size / limits.storeCopyPartBytes) }, (_, index) => index + 1);
    await atOnce(numbers, async (partNumber) => void parts.push(await this.#copyPart(copy, multipart, partNumber)));
    return parts;
  }

  async #copyPart(copy: Copy, { multipartId }: Multipart, PartNumber: number): Promise<CompletedPart> {
    const start = (PartNumber - 1) * limits.storeCopyPartBytes;
    const end = Math.min(start + limits.storeCopyPartBytes, copy.size) - 1;
    const command = new UploadPartCopyCommand({
      Bucket: this.#bucket.name,
      Key: copy.toKey,
      UploadId: multipartId,
      PartNumber,
      CopySource: this.#bucket.sourceOf(copy.fromKey),
      CopySourceIfMatch: `"${copy.etag}"`,
      CopySourceRange: `bytes=${start}-${end}`,
    });
    const { CopyPartResult } = await this.#bucket.client.send(command);
    return { PartNumber, ETag: CopyPartResult?.ETag, ChecksumCRC32: CopyPartResult?.ChecksumCRC32 };
  }
}

/** Runs `each` for all of the items, a few at a time. After a failure no more begin, and it is thrown at the end. */
export async function atOnce<T>(items: Iterable<T>, each: (item: T) => Promise<void>): Promise<void> {
  const pending = items[Symbol.iterator]();
  let isFailed = false;
  const goOn = async () => {
    for (let next = pending.next(); !next.done && !isFailed; next = pending.next()) {
      await each(next.value).catch((error: unknown) => {
        isFailed = true;
        throw error;
      });
    }
  };
  const results = await Promise.allSettled(Array.from({ length: limits.storeCopiesAtOnce }, goOn));
  for (const result of results) if (result.status === "rejected") throw result.reason;
}
