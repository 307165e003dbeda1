import { randomUUID } from "node:crypto";
import { GetObjectTaggingCommand, HeadObjectCommand, PutObjectTaggingCommand } from "@aws-sdk/client-s3";
import type { SQSEvent } from "aws-lambda";
import type { TestBucket } from "../support/aws-bucket.ts";
import { batchOf } from "../support/aws-event-flow.ts";

const tagName = "GuardDutyMalwareScanStatus";

/** As GuardDuty scans what is there: it tags the object, beside the tags that are there, and then tells of it. */
export async function scanObject(
  { client, bucket: bucketName }: Pick<TestBucket, "client" | "bucket">,
  objectKey: string,
  scanResultStatus: string,
  threats: readonly { name: string }[] = [],
): Promise<SQSEvent> {
  const place = { Bucket: bucketName, Key: objectKey };
  const { ETag, VersionId } = await client.send(new HeadObjectCommand(place));
  const { TagSet = [] } = await client.send(new GetObjectTaggingCommand(place));
  const others = TagSet.filter(({ Key: name }) => name !== tagName);
  const tags = [...others, { Key: tagName, Value: scanResultStatus }];
  await client.send(new PutObjectTaggingCommand({ ...place, Tagging: { TagSet: tags } }));
  const body = {
    version: "0",
    id: randomUUID(),
    "detail-type": "GuardDuty Malware Protection Object Scan Result",
    source: "aws.guardduty",
    account: "111122223333",
    time: new Date().toISOString(),
    region: "eu-central-1",
    resources: ["arn:aws:guardduty:eu-central-1:111122223333:malware-protection-plan/b4c7f464ab3a4EXAMPLE"],
    detail: {
      schemaVersion: "1.0",
      scanStatus: "COMPLETED",
      resourceType: "S3_OBJECT",
      s3ObjectDetails: { bucketName, objectKey, eTag: ETag, versionId: VersionId, s3Throttled: false },
      scanResultDetails: { scanResultStatus, threats: threats.length > 0 ? threats : null },
    },
  };
  return batchOf([{ MessageId: randomUUID(), Body: JSON.stringify(body) }]);
}
