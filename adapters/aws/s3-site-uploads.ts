import { createHash } from "node:crypto";
import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListPartsCommand,
  type Part,
  type PutObjectCommandInput,
  type S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { limits } from "../../core/limits.ts";
import type { Continuation, RemoteContent } from "../../ports/remote-site.ts";

/** As S3 has it: at least 5 MiB except for the last part, at most 10,000 parts. */
export const smallestPartBytes = 8 * 1024 * 1024;

/** A multipart upload as it is remembered. */
interface Kept {
  readonly uploadId: string;
  /** Whether the ETag of a part is the MD5 of its bytes: where S3 encrypts with a key of KMS it is not. */
  readonly hasDigests: boolean;
}

type Place = Pick<PutObjectCommandInput, "Bucket" | "Key">;

interface Upload {
  readonly place: Place & { readonly UploadId: string };
  readonly partBytes: number;
  /** The first parts, which are there. */
  readonly parts: CompletedPart[];
}

interface Whole {
  readonly bytes: number;
  readonly continuation: Continuation | undefined;
}

/** Large objects on their way to a bucket, in parts that stay there when the way is cut off. */
export class S3SiteUploads {
  readonly #client: S3Client;
  readonly #abortSignal: AbortSignal;

  constructor(client: S3Client, abortSignal: AbortSignal) {
    this.#client = client;
    this.#abortSignal = abortSignal;
  }

  /**
   * The object appears when its last part is there and the whole is completed. What is cut off is held for the
   * continuation, and without one given up. @throws FileError of the content; what S3 says
   */
  async write(
    { IfNoneMatch, ...object }: PutObjectCommandInput,
    content: RemoteContent,
    { bytes, continuation }: Whole,
  ): Promise<void> {
    const partBytes = Math.max(smallestPartBytes, Math.ceil(bytes / limits.uploadParts));
    const place = { Bucket: object.Bucket, Key: object.Key };
    const left = await this.#left(place, content, { bytes, partBytes, token: continuation?.token });
    const upload = left ?? (await this.#begin(object, partBytes, continuation));
    try {
      await this.#send(upload, content);
      const complete = { ...upload.place, MultipartUpload: { Parts: upload.parts } };
      const condition = IfNoneMatch !== undefined && { IfNoneMatch };
      await this.#client.send(new CompleteMultipartUploadCommand({ ...complete, ...condition }), this.#signal());
    } catch (error) {
      if (!continuation) await this.#abort(upload.place).catch(() => {});
      throw error;
    }
  }

  /** Harmless when the upload is completed or gone. @throws what S3 says */
  async discard(place: Place, token: string): Promise<void> {
    const { uploadId }: Kept = JSON.parse(token);
    await this.#abort({ ...place, UploadId: uploadId }).catch((error: unknown) => {
      if (!isGone(error)) throw error;
    });
  }

  async #begin(
    object: PutObjectCommandInput,
    partBytes: number,
    continuation: Continuation | undefined,
  ): Promise<Upload> {
    const begun = await this.#client.send(new CreateMultipartUploadCommand(object), this.#signal());
    const { UploadId = "", ServerSideEncryption: encryption } = begun;
    const kept: Kept = { uploadId: UploadId, hasDigests: encryption === undefined || encryption === "AES256" };
    const place = { Bucket: object.Bucket, Key: object.Key, UploadId };
    await continuation?.keep(JSON.stringify(kept)).catch(async (error: unknown) => {
      await this.#abort(place).catch(() => {});
      throw error;
    });
    return { place, partBytes, parts: [] };
  }

  /** What an earlier write has left, with those of its parts that can be gone on behind. */
  async #left(
    place: Place,
    content: RemoteContent,
    {
      bytes,
      partBytes,
      token,
    }: { readonly bytes: number; readonly partBytes: number; readonly token?: string | undefined },
  ): Promise<Upload | undefined> {
    if (token === undefined) return undefined;
    const { uploadId, hasDigests }: Kept = JSON.parse(token);
    const upload = { ...place, UploadId: uploadId };
    const listed = await this.#parts(upload);
    if (!listed) return undefined;
    const last = listed.at(-1);
    const isWhole = listed.every(({ PartNumber, Size }, index) => {
      return PartNumber === index + 1 && Size === Math.min(partBytes, bytes - index * partBytes);
    });
    const start = (listed.length - 1) * partBytes;
    const isSame = isWhole && last && (!hasDigests || (await isContent(last, content(start, "compare"))));
    const parts = isSame ? listed.map(({ PartNumber, ETag }) => ({ PartNumber, ETag })) : [];
    return { place: upload, partBytes, parts };
  }

  /** Undefined when the upload is completed or was given up, or the site does not tell: it is given up then. */
  async #parts(upload: Upload["place"]): Promise<Part[] | undefined> {
    const parts: Part[] = [];
    try {
      // Some services name a next page behind the last one.
      for (let marker: string | undefined, isMore = true; isMore; ) {
        const command = new ListPartsCommand({ ...upload, PartNumberMarker: marker });
        const page = await this.#client.send(command, this.#signal());
        parts.push(...(page.Parts ?? []));
        marker = page.NextPartNumberMarker;
        isMore = page.IsTruncated === true && marker !== undefined;
      }
      return parts;
    } catch (error) {
      if (!isRefusal(error)) throw error;
      if (!isGone(error)) await this.#abort(upload).catch(() => {});
      return undefined;
    }
  }

  async #send({ place, partBytes, parts }: Upload, content: RemoteContent): Promise<void> {
    for await (const Body of inParts(content(parts.length * partBytes, "send"), partBytes)) {
      const PartNumber = parts.length + 1;
      const { ETag } = await this.#client.send(new UploadPartCommand({ ...place, PartNumber, Body }), this.#signal());
      parts.push({ ETag, PartNumber });
    }
  }

  async #abort(upload: Upload["place"]): Promise<void> {
    await this.#client.send(new AbortMultipartUploadCommand(upload));
  }

  #signal() {
    return { abortSignal: this.#abortSignal };
  }
}

/** Whether the part has the first bytes of the content. */
async function isContent({ ETag, Size = 0 }: Part, content: AsyncIterable<Uint8Array>): Promise<boolean> {
  const digest = createHash("md5");
  let rest = Size;
  for await (const piece of content) {
    digest.update(piece.subarray(0, rest));
    rest -= Math.min(rest, piece.length);
    if (rest === 0) break;
  }
  return rest === 0 && ETag?.replaceAll('"', "") === digest.digest("hex");
}

function isGone(error: unknown): boolean {
  return (error as { name?: unknown }).name === "NoSuchUpload";
}

/** For example of those who may write and not list. */
function isRefusal(error: unknown): boolean {
  const status = (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode ?? 0;
  return isGone(error) || (status >= 400 && status < 500 && status !== 429) || status === 501;
}

/** The content in parts of a size; the last may be smaller. */
async function* inParts(content: AsyncIterable<Uint8Array>, partBytes: number): AsyncGenerator<Uint8Array> {
  let part = new Uint8Array(partBytes);
  let length = 0;
  for await (const piece of content) {
    for (let at = 0; at < piece.length; ) {
      const taken = piece.subarray(at, at + partBytes - length);
      part.set(taken, length);
      length += taken.length;
      at += taken.length;
      if (length < partBytes) continue;
      yield part;
      part = new Uint8Array(partBytes);
      length = 0;
    }
  }
  if (length > 0) yield part.subarray(0, length);
}
