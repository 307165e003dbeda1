import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  type HeadObjectCommandOutput,
  type S3Client,
  UploadPartCopyCommand,
} from "@aws-sdk/client-s3";
import { limits } from "../../core/limits.ts";
import { atOnce } from "./s3-copies.ts";

export interface CopySizes {
  /** What is larger is copied in parts. */
  readonly wholeBytes: number;
  readonly partBytes: number;
}

export const copySizesOfS3: CopySizes = { wholeBytes: limits.storeCopyBytes, partBytes: limits.storeCopyPartBytes };

/** One version of an object, and where it goes. */
export interface SiteCopy {
  readonly bucket: string;
  readonly fromKey: string;
  readonly toKey: string;
  /** Of what is copied, which has an ETag. */
  readonly head: HeadObjectCommandOutput;
  readonly overwrite: boolean;
}

/** Copies within a bucket that is somebody else's: what S3 does, with nothing that other services may not know. */
export class S3SiteCopies {
  readonly #client: S3Client;
  readonly #abortSignal: AbortSignal;
  readonly #sizes: CopySizes;

  constructor(client: S3Client, abortSignal: AbortSignal, sizes: CopySizes) {
    this.#client = client;
    this.#abortSignal = abortSignal;
    this.#sizes = sizes;
  }

  /**
   * The copy appears whole, with the metadata of the original; in parts, without its tags. A copy that is not to
   * overwrite is refused by S3, and in silence not by a service that knows no such condition. @throws what S3 says
   */
  async copy(copy: SiteCopy): Promise<void> {
    const isSmall = (copy.head.ContentLength ?? 0) <= this.#sizes.wholeBytes;
    await (isSmall ? this.#copyWhole(copy) : this.#copyInParts(copy));
  }

  async #copyWhole(copy: SiteCopy): Promise<void> {
    const input = { ...placeOf(copy), ...sourceOf(copy) };
    await unlessTaken(copy, (condition) =>
      this.#client.send(new CopyObjectCommand({ ...input, ...condition }), this.#signal()),
    );
  }

  async #copyInParts(copy: SiteCopy): Promise<void> {
    const begin = new CreateMultipartUploadCommand({ ...placeOf(copy), ...describedBy(copy.head) });
    const { UploadId } = await this.#client.send(begin, this.#signal());
    const place = { ...placeOf(copy), UploadId };
    try {
      const MultipartUpload = { Parts: await this.#copyParts(copy, place) };
      await unlessTaken(copy, (condition) =>
        this.#client.send(
          new CompleteMultipartUploadCommand({ ...place, MultipartUpload, ...condition }),
          this.#signal(),
        ),
      );
    } catch (error) {
      await this.#client.send(new AbortMultipartUploadCommand(place)).catch(() => {});
      throw error;
    }
  }

  async #copyParts(
    copy: SiteCopy,
    place: ReturnType<typeof placeOf> & { readonly UploadId: string | undefined },
  ): Promise<CompletedPart[]> {
    const { partBytes } = this.#sizes;
    const bytes = copy.head.ContentLength ?? 0;
    const parts: CompletedPart[] = Array.from({ length: Math.ceil(bytes / partBytes) }, (_, index) => ({
      PartNumber: index + 1,
    }));
    await atOnce(parts.keys(), async (index) => {
      const PartNumber = index + 1;
      const start = index * partBytes;
      const CopySourceRange = `bytes=${start}-${Math.min(start + partBytes, bytes) - 1}`;
      const command = new UploadPartCopyCommand({ ...place, ...sourceOf(copy), PartNumber, CopySourceRange });
      const { CopyPartResult } = await this.#client.send(command, this.#signal());
      parts[index] = { PartNumber, ETag: CopyPartResult?.ETag };
    });
    return parts;
  }

  #signal() {
    return { abortSignal: this.#abortSignal };
  }
}

/** Conditions of copies and deletions are new: other services than AWS's may refuse them. */
export function isUnknownCondition(error: unknown): boolean {
  const { name = "", $metadata } = error as { name?: string; $metadata?: { httpStatusCode?: number } };
  return name === "NotImplemented" || $metadata?.httpStatusCode === 501;
}

function placeOf({ bucket, toKey }: SiteCopy) {
  return { Bucket: bucket, Key: toKey };
}

function sourceOf({ bucket, fromKey, head }: SiteCopy) {
  const CopySource = [bucket, ...fromKey.split("/")].map(encodeURIComponent).join("/");
  return { CopySource, CopySourceIfMatch: head.ETag };
}

/** What a copy in one request takes over by itself. */
function describedBy(head: HeadObjectCommandOutput) {
  const { Metadata, ContentType, ContentEncoding, ContentDisposition, ContentLanguage, CacheControl } = head;
  return { Metadata, ContentType, ContentEncoding, ContentDisposition, ContentLanguage, CacheControl };
}

async function unlessTaken(
  { overwrite }: SiteCopy,
  attempt: (condition: { readonly IfNoneMatch?: "*" }) => Promise<unknown>,
): Promise<void> {
  if (overwrite) return void (await attempt({}));
  await attempt({ IfNoneMatch: "*" }).catch((error: unknown) => {
    if (!isUnknownCondition(error)) throw error;
    return attempt({});
  });
}
