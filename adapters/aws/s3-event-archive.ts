import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { PutObjectCommand, type S3Client, S3ServiceException } from "@aws-sdk/client-s3";
import type { AccountingEvent } from "../../core/accounting-event.ts";
import type { AuditSink } from "../../ports/audit-sink.ts";

export interface EventArchiveOptions {
  readonly client: S3Client;
  readonly bucket: string;
  /** What object names begin with; `events/` for one. */
  readonly prefix: string;
}

/**
 * Keeps each batch of events as one object: NDJSON, gzip, ordered by time. Its name is made from the day and the time
 * of the first event and from all the ids, so that the same batch is the same object; it is written once and never
 * replaced, as a bucket with Object Lock needs it.
 */
export function createS3EventArchive({ client, bucket, prefix }: EventArchiveOptions): AuditSink {
  return {
    name: `s3://${bucket}/${prefix}`,
    keep: async (events) => {
      if (events.length === 0) return;
      const ordered = [...events].sort((a, b) => compare(a.time, b.time) || compare(a.id, b.id));
      const lines = ordered.map((event) => `${JSON.stringify(event)}\n`).join("");
      const put = new PutObjectCommand({
        Bucket: bucket,
        Key: prefix + archiveNameOf(ordered),
        Body: gzipSync(lines),
        ContentType: "application/x-ndjson",
        ContentEncoding: "gzip",
        IfNoneMatch: "*",
      });
      await client.send(put).catch(ignoreExisting);
    },
  };
}

/** Such as `date=2026-11-26/T130512.043Z-3f….ndjson.gz`: a folder a day, as Athena and its kin read partitions. */
export function archiveNameOf(ordered: readonly AccountingEvent[]): string {
  const [day = "", time = ""] = (ordered[0]?.time ?? "").split("T");
  const ids = ordered.map(({ id }) => id).sort(compare);
  const digest = createHash("sha256").update(JSON.stringify(ids)).digest("hex").slice(0, 32);
  return `date=${day}/T${time.replaceAll(":", "")}-${digest}.ndjson.gz`;
}

/** By code units, the same on every machine. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** 412: it is there. 409: somebody else is writing the same name, hence the same events; who that is repeats it. */
function ignoreExisting(error: unknown): void {
  if (error instanceof S3ServiceException && error.$metadata.httpStatusCode === 412) return;
  throw error;
}
