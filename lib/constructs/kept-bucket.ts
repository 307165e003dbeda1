import { RemovalPolicy, aws_s3 as s3 } from "aws-cdk-lib";
import { type AccessLogBucket, closed } from "./access-log-bucket.ts";
import type { EncryptionKey } from "./encryption-key.ts";

export interface KeptBucketProps {
  readonly encryptionKey: EncryptionKey;
  readonly accessLogs: AccessLogBucket;
  /** @default RemovalPolicy.RETAIN */
  readonly removalPolicy?: RemovalPolicy;
}

/** Of a bucket whose content counts: every version, encrypted with the product's key, each access on record. */
export function kept({ encryptionKey, accessLogs, removalPolicy }: KeptBucketProps, logPrefix: string) {
  return {
    ...closed,
    versioned: true,
    encryption: s3.BucketEncryption.KMS,
    encryptionKey: encryptionKey.kmsKey,
    bucketKeyEnabled: true,
    objectOwnership: s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
    serverAccessLogsBucket: accessLogs.bucket,
    serverAccessLogsPrefix: logPrefix,
    removalPolicy: removalPolicy ?? RemovalPolicy.RETAIN,
  } satisfies s3.BucketProps;
}
