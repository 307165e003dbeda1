import { cx_api, Duration, RemovalPolicy, aws_s3 as s3 } from "aws-cdk-lib";
import { Construct } from "constructs";
import { acknowledge } from "./acknowledge.ts";

export interface AccessLogBucketProps {
  /** @default 90 */
  readonly expireDays?: number;
}

/** Takes S3's own access logs; that service can write only where S3 manages the encryption. */
export class AccessLogBucket extends Construct {
  readonly bucket: s3.Bucket;

  constructor(scope: Construct, id: string, props: AccessLogBucketProps = {}) {
    super(scope, id);
    // In an app without this flag CDK would ask for an access control list.
    this.node.setContext(cx_api.S3_SERVER_ACCESS_LOGS_USE_BUCKET_POLICY, true);
    this.bucket = new s3.Bucket(this, "Bucket", {
      ...closed,
      encryption: s3.BucketEncryption.S3_MANAGED,
      objectOwnership: s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
      removalPolicy: RemovalPolicy.RETAIN,
      lifecycleRules: [{ expiration: Duration.days(props.expireDays ?? 90) }],
    });
    acknowledge(this.bucket, "AwsSolutions-S1", "It takes the access logs of the others.");
  }
}

/** What every bucket has: nobody from outside, TLS 1.2 or later. */
export const closed = {
  blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
  enforceSSL: true,
  minimumTLSVersion: 1.2,
} as const;
