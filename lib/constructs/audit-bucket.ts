import { Duration, aws_iam as iam, aws_s3 as s3 } from "aws-cdk-lib";
import { Construct } from "constructs";
import { acknowledgeResources } from "./acknowledge.ts";
import type { EncryptionKey } from "./encryption-key.ts";
import { type KeptBucketProps, kept } from "./kept-bucket.ts";

export interface AuditBucketProps extends KeptBucketProps {
  /** Days in which nobody can delete a record (Object Lock, governance). @default 0: no lock */
  readonly lockDays?: number;
}

/** The audit archive. Records are added to it and nobody is granted to delete one. */
export class AuditBucket extends Construct {
  readonly bucket: s3.Bucket;
  readonly #encryptionKey: EncryptionKey;

  constructor(scope: Construct, id: string, props: AuditBucketProps) {
    super(scope, id);
    this.#encryptionKey = props.encryptionKey;
    const lockDays = props.lockDays ?? 0;
    this.bucket = new s3.Bucket(this, "Bucket", {
      ...kept(props, "audit/"),
      objectLockDefaultRetention: lockDays > 0 ? s3.ObjectLockRetention.governance(Duration.days(lockDays)) : undefined,
      lifecycleRules: [
        { transitions: [{ storageClass: s3.StorageClass.INFREQUENT_ACCESS, transitionAfter: Duration.days(90) }] },
      ],
    });
  }

  /** Adds records below a prefix; reads none. */
  grantAppend(grantee: iam.IGrantable, prefix: string): iam.Grant {
    this.#encryptionKey.grantEncryptDecrypt(grantee, "s3");
    acknowledgeResources(grantee, `/${prefix}*`, "Records are below a prefix.");
    return iam.Grant.addToPrincipal({
      grantee,
      actions: ["s3:PutObject"],
      resourceArns: [this.bucket.arnForObjects(`${prefix}*`)],
    });
  }
}
