import {
  ChecksumAlgorithm,
  ChecksumType,
  type CompletedPart,
  CreateMultipartUploadCommand,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { FileError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import type { ObjectWriter, PublishOptions, StoredEntry } from "../../ports/object-store.ts";
import type { DirectPartStore, UploadPart } from "../../ports/pending-uploads.ts";
import { metadataOf, type S3Bucket } from "./s3-bucket.ts";
import { abortMultipart, bytesOf, partsOf, type SentPart } from "./s3-multipart.ts";
import type { Publisher } from "./s3-publisher.ts";
import type { StagedUpload, StagingRecord } from "./s3-staging.ts";

export interface S3DirectPartsOptions {
  readonly bucket: S3Bucket;
  readonly staging: StagingRecord;
  readonly publisher: Publisher;
  readonly owner: string;
}

type Pending = StagedUpload & { readonly multipartId: string };

/**
 * A pending upload is a multipart upload of S3 from its start, and its parts are sent to URLs that S3 knows by their
 * signature. S3 computes a CRC-64 of each part and of the whole.
 */
export function createS3DirectParts(options: S3DirectPartsOptions): DirectPartStore {
  const { bucket, staging } = options;
  const found = async (uploadId: string): Promise<Pending> => {
    const upload = await staging.find(uploadId);
    if (upload?.state !== "pending" || upload.multipartId === undefined) throw noUpload();
    return { ...upload, multipartId: upload.multipartId };
  };
  return {
    smallestPartBytes: limits.storeSmallestPartBytes,
    begin: async (uploadId, objectKey) => {
      const startedAtMs = Date.now();
      const multipartId = await begun(bucket, objectKey, metadataOf(startedAtMs, uploadId));
      const { owner } = options;
      await staging.add({ transferId: uploadId, objectKey, owner, startedAtMs, multipartId, state: "pending" });
    },
    urlOf: async (uploadId, partNumber) => {
      const { objectKey, multipartId } = await found(uploadId);
      const address = { Bucket: bucket.name, Key: objectKey, UploadId: multipartId, PartNumber: partNumber };
      return getSignedUrl(bucket.client, new UploadPartCommand(address), { expiresIn: limits.partUrlMs / 1000 });
    },
    list: async (uploadId) => {
      const parts = await foundParts(bucket, await found(uploadId));
      return parts.map(({ PartNumber, bytes }) => ({ partNumber: PartNumber, bytes }));
    },
    assemble: async (uploadId, transferId, parts) => {
      const pending = await found(uploadId);
      const upload: StagedUpload = {
        ...{ transferId, objectKey: pending.objectKey, owner: options.owner, multipartId: pending.multipartId },
        ...{ startedAtMs: Date.now(), contentId: uploadId, state: "open" },
      };
      await staging.add(upload);
      return new S3Assembly(options, { pending, upload, parts });
    },
    remove: async (uploadId) => {
      const upload = await staging.find(uploadId);
      if (upload?.state !== "pending") return;
      const { objectKey, multipartId = "" } = upload;
      await bucket.attempt(abortMultipart(bucket, { objectKey, multipartId }));
      await staging.remove(uploadId);
    },
  };
}

function noUpload(): FileError {
  return new FileError("not-found", "there is no such upload, or no longer");
}

/** Without a checksum of ours, so that clients need not know one; S3 adds its own. */
async function begun(bucket: S3Bucket, objectKey: string, Metadata: Record<string, string>): Promise<string> {
  const command = new CreateMultipartUploadCommand({
    Bucket: bucket.name,
    Key: objectKey,
    ...bucket.encryption,
    Metadata,
    ChecksumAlgorithm: ChecksumAlgorithm.CRC64NVME,
    ChecksumType: ChecksumType.FULL_OBJECT,
  });
  const { UploadId } = await bucket.attempt(bucket.client.send(command));
  if (UploadId === undefined) throw new FileError("unavailable", "the store began an upload without an id");
  return UploadId;
}

async function foundParts(bucket: S3Bucket, pending: Pending): Promise<readonly SentPart[]> {
  const parts = await partsOf(bucket, pending);
  if (!parts) throw noUpload();
  return parts;
}

interface AssemblyParts {
  readonly pending: Pending;
  readonly upload: StagedUpload;
  /** As they were listed for the client. */
  readonly parts: readonly UploadPart[];
}

/** Content that S3 has already. */
class S3Assembly implements ObjectWriter {
  readonly #options: S3DirectPartsOptions;
  readonly #assembly: AssemblyParts;

  constructor(options: S3DirectPartsOptions, assembly: AssemblyParts) {
    this.#options = options;
    this.#assembly = assembly;
  }

  async write(): Promise<void> {
    throw new FileError("invalid-argument", "the upload has its content");
  }

  async flush(): Promise<void> {}

  async publish(options: PublishOptions): Promise<StoredEntry> {
    const { publisher } = this.#options;
    const { pending, upload } = this.#assembly;
    const { objectKey, multipartId, startedAtMs: beganAtMs } = pending;
    const content = { ...(await this.#content()), beganAtMs };
    const modifiedAtMs = content.bytes > limits.storeCopyBytes ? beganAtMs : (options.modifiedAtMs ?? beganAtMs);
    const multipart = { objectKey, multipartId, ...content };
    return publisher.publish(upload, { ...options, size: content.bytes, modifiedAtMs, multipart });
  }

  async keep(): Promise<number> {
    await this.abort();
    return 0;
  }

  /** The parts stay for another try. */
  async abort(): Promise<void> {
    await this.#options.publisher.forgo(this.#assembly.upload.transferId, undefined);
  }

  /** @throws FileError `integrity` for parts that changed since they were listed, `invalid-argument` for small ones. */
  async #content(): Promise<{ readonly parts: readonly CompletedPart[]; readonly bytes: number }> {
    const { pending, parts } = this.#assembly;
    const found = await foundParts(this.#options.bucket, pending);
    const isSame = found.length === parts.length && found.every(({ bytes }, index) => bytes === parts[index]?.bytes);
    if (!isSame) throw new FileError("integrity", "parts have changed while they were put together");
    const small = found.slice(0, -1).find(({ bytes }) => bytes < limits.storeSmallestPartBytes);
    if (small) {
      const message = `part ${small.PartNumber} is not the last and has under ${limits.storeSmallestPartBytes} bytes`;
      throw new FileError("invalid-argument", message);
    }
    return { parts: found.map(({ PartNumber, ETag }) => ({ PartNumber, ETag })), bytes: bytesOf(found) };
  }
}
