import { GetObjectTaggingCommand, HeadObjectCommand, type S3Client, S3ServiceException } from "@aws-sdk/client-s3";
import type { ObjectOrigins, ObjectVersion } from "../../ports/object-origins.ts";
import { releasedTag } from "./env.ts";
import { transferIn } from "./s3-bucket.ts";
import { isNamed, toFileError } from "./s3-errors.ts";

/** Reads in an object's metadata which upload made it, and in its tags whether it was let out of the quarantine. */
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
      const head = await unlessGone(client.send(new HeadObjectCommand({ Bucket: bucket, Key: objectKey, ...version })));
      return transferIn(head?.Metadata);
    },
    isReleased: async ({ objectKey, versionId }: ObjectVersion) => {
      const command = new GetObjectTaggingCommand({ Bucket: bucket, Key: objectKey, VersionId: versionId });
      const tags = await unlessGone(client.send(command));
      return tags?.TagSet?.some(({ Key: name, Value }) => name === releasedTag && Value === "true") === true;
    },
  };
}

async function unlessGone<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    const status = error instanceof S3ServiceException ? (error.$metadata.httpStatusCode ?? 0) : 0;
    if (goneStatuses.includes(status) || isNamed(error, "NoSuchKey")) return undefined;
    throw toFileError(error);
  }
}

/** Not found, a delete marker, another version. */
const goneStatuses: readonly number[] = [404, 405, 412];
