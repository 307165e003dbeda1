import { HeadObjectCommand, type S3Client, S3ServiceException } from "@aws-sdk/client-s3";
import type { ObjectOrigins } from "../../ports/object-origins.ts";
import { transferIn } from "./s3-bucket.ts";
import { toFileError } from "./s3-errors.ts";

/** Reads in an object's metadata which upload made it. */
export function createS3ObjectOrigins({
  client,
  bucket,
}: {
  readonly client: S3Client;
  readonly bucket: string;
}): ObjectOrigins {
  return {
    transferOf: async ({ objectKey, etag, versionId }) => {
      // Without versions the ETag says whether it is still the object that is meant.
      const version = versionId === undefined ? { IfMatch: `"${etag}"` } : { VersionId: versionId };
      try {
        const head = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: objectKey, ...version }));
        return transferIn(head.Metadata);
      } catch (error) {
        if (error instanceof S3ServiceException && goneStatuses.includes(error.$metadata.httpStatusCode ?? 0)) {
          return undefined;
        }
        throw toFileError(error);
      }
    },
  };
}

/** Not found, a delete marker, another version. */
const goneStatuses: readonly number[] = [404, 405, 412];
