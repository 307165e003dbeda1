import type { HeadObjectCommandOutput, S3Client } from "@aws-sdk/client-s3";
import { FileError } from "../../core/errors.ts";
import type { QuarantineBounds } from "../../core/held-file.ts";
import type { ObjectVersion } from "../../ports/object-origins.ts";
import type { ObjectStore, StoredEntry } from "../../ports/object-store.ts";
import type { StoreQuarantine } from "../../ports/store-quarantine.ts";
import { createDynamoQuarantine } from "./dynamo-quarantine.ts";
import type { DynamoTable } from "./dynamo-table.ts";
import { quarantinePrefix, releasedTag } from "./env.ts";
import { entryOf, S3Bucket, withoutQuotes } from "./s3-bucket.ts";
import { S3Copies } from "./s3-copies.ts";
import { statusOf, toFileError } from "./s3-errors.ts";

export interface S3QuarantineOptions {
  readonly client: S3Client;
  readonly bucket: string;
  /** Of the same bucket. */
  readonly objects: Pick<ObjectStore, "openRead">;
  readonly table: DynamoTable;
  readonly bounds: QuarantineBounds;
}

/** In the metadata of a copy that was let out, the id of its record: whose it is when an answer was lost. */
const releasedFrom = "ferrygate-released";

/**
 * The quarantine of the AWS edition: content below {@link quarantinePrefix}, which the bucket's policy lets nobody read
 * but two functions, and records in the table. Contents are copied inside S3 and never come here.
 */
export function createS3Quarantine(options: S3QuarantineOptions): StoreQuarantine {
  const { client, objects, table, bounds } = options;
  const bucket = new S3Bucket(client, options.bucket);
  const { admit, find, list, forget } = createDynamoQuarantine(table, bounds);
  return {
    admit,
    find,
    list,
    takeIn: (id, from) => takeIn(bucket, id, from),
    open: (id) => objects.openRead(quarantinedKey(id)),
    letOut: (id, objectKey) => letOut(bucket, id, objectKey),
    // Content without a record would stay for ever.
    remove: async (id) => {
      await bucket.delete(quarantinedKey(id));
      await forget(id);
    },
  };
}

function quarantinedKey(id: string): string {
  return `${quarantinePrefix}/${id}`;
}

async function takeIn(bucket: S3Bucket, id: string, { objectKey, etag, versionId }: ObjectVersion): Promise<boolean> {
  const toKey = quarantinedKey(id);
  if (await bucket.exists(toKey)) return true;
  const head = await bucket.head(objectKey);
  const isOther = versionId !== undefined && head?.VersionId !== versionId;
  if (!head || isOther || withoutQuotes(head.ETag) !== etag) return false;
  try {
    await new S3Copies(bucket).copy({ fromKey: objectKey, toKey, etag, size: head.ContentLength ?? 0, conditions: {} });
    return true;
  } catch (error) {
    if ([404, 412].includes(statusOf(error) ?? 0)) return false;
    throw toFileError(error);
  }
}

async function letOut(bucket: S3Bucket, id: string, objectKey: string): Promise<StoredEntry> {
  const fromKey = quarantinedKey(id);
  const [head, there] = await Promise.all([bucket.head(fromKey), bucket.head(objectKey)]);
  if (!head) throw new FileError("not-found", "there is no such file in quarantine");
  if (there) return ownCopy(there, id);
  const [etag, size] = [withoutQuotes(head.ETag), head.ContentLength ?? 0];
  const metadata = { ...head.Metadata, [releasedFrom]: id };
  const copy = { fromKey, toKey: objectKey, etag, size, metadata, tagging: `${releasedTag}=true` };
  try {
    const made = await new S3Copies(bucket).copy({ ...copy, conditions: { IfNoneMatch: "*" } });
    return entryOf({ ...head, ETag: made }, size);
  } catch (error) {
    const made = await bucket.head(objectKey);
    if (made) return ownCopy(made, id);
    throw toFileError(error);
  }
}

/** The answer to an earlier try may have been lost. */
function ownCopy(there: HeadObjectCommandOutput, id: string): StoredEntry {
  if (there.Metadata?.[releasedFrom] === id) return entryOf(there, there.ContentLength ?? 0);
  throw new FileError("already-exists", "the name is taken");
}
