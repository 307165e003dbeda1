import { Duration, aws_iam as iam, aws_s3 as s3, Tags } from "aws-cdk-lib";
import { Construct } from "constructs";
import { connectorStagingPrefix, quarantinePrefix } from "../../adapters/aws/env.ts";
import { acknowledgeResources } from "./acknowledge.ts";
import type { EncryptionKey } from "./encryption-key.ts";
import { type KeptBucketProps, kept } from "./kept-bucket.ts";

export interface FileBucketProps extends KeptBucketProps {
  /** Days that versions of overwritten and deleted files are kept. @default 30 */
  readonly versionDays?: number;
}

const readActions = ["s3:GetObject", "s3:GetObjectVersion"];
const writeActions = ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:ListMultipartUploadParts", "s3:PutObject"];
const listActions = ["s3:ListBucket", "s3:ListBucketMultipartUploads", "s3:ListBucketVersions"];
/** Longer than a partner may take to resume an upload. */
const abortUploadsAfter = Duration.days(7);
/** Longer than a transfer through a connector may take. */
const leftBehindAfter = Duration.days(2);
const quarantineTag = "ferrygate-handles-quarantine";
const quarantineActions = ["s3:DeleteObject", ...readActions, "s3:PutObject"];

/**
 * The partners' files: versioned, encrypted with the product's key, reached over TLS only, kept when the stack goes.
 */
export class FileBucket extends Construct {
  readonly bucket: s3.Bucket;
  readonly #encryptionKey: EncryptionKey;

  constructor(scope: Construct, id: string, props: FileBucketProps) {
    super(scope, id);
    this.#encryptionKey = props.encryptionKey;
    this.bucket = new s3.Bucket(this, "Bucket", {
      ...kept(props, "files/"),
      lifecycleRules: [
        {
          abortIncompleteMultipartUploadAfter: abortUploadsAfter,
          noncurrentVersionExpiration: Duration.days(props.versionDays ?? 30),
          expiredObjectDeleteMarker: true,
        },
        { prefix: `${connectorStagingPrefix}/`, expiration: leftBehindAfter },
        // What an operator deletes there is to be gone.
        { prefix: `${quarantinePrefix}/`, noncurrentVersionExpiration: Duration.days(1) },
      ],
    });
    this.bucket.addToResourcePolicy(deniedQuarantine(this.bucket));
    // The property of the resource; CDK's own `eventBridgeEnabled` would bring a function that may change any bucket.
    const resource = this.bucket.node.defaultChild as s3.CfnBucket;
    resource.notificationConfiguration = { eventBridgeConfiguration: { eventBridgeEnabled: true } };
  }

  /**
   * Everything that sessions do with files; below `prefixes` when some are given. No tags, no settings, and no version
   * is deleted.
   */
  grantTransfer(grantee: iam.IGrantable, prefixes: readonly string[] = [""]): iam.Grant {
    this.#encryptionKey.grantEncryptDecrypt(grantee, "s3");
    this.#grantList(grantee, prefixes);
    return this.#grantObjects(grantee, prefixes, [...readActions, ...writeActions]);
  }

  grantRead(grantee: iam.IGrantable, prefixes: readonly string[] = [""]): iam.Grant {
    this.#encryptionKey.grantDecrypt(grantee, "s3");
    this.#grantList(grantee, prefixes);
    return this.#grantObjects(grantee, prefixes, readActions);
  }

  /** Tags say what a scan found, and what an operator let out whatever that was. */
  grantTags(grantee: iam.IGrantable): iam.Grant {
    const actions = ["s3:GetObjectTagging", "s3:GetObjectVersionTagging", "s3:PutObjectTagging"];
    return this.#grantObjects(grantee, [""], actions);
  }

  /** Tags say what a scan found. */
  grantReadTags(grantee: iam.IGrantable, prefixes: readonly string[]): iam.Grant {
    return this.#grantObjects(grantee, prefixes.length === 0 ? [""] : prefixes, ["s3:GetObjectTagging"]);
  }

  #grantObjects(grantee: iam.IGrantable, prefixes: readonly string[], actions: readonly string[]): iam.Grant {
    for (const prefix of prefixes) acknowledgeResources(grantee, `/${prefix}*`, "Files are below a prefix.");
    const resourceArns = prefixes.map((prefix) => this.bucket.arnForObjects(`${prefix}*`));
    return iam.Grant.addToPrincipal({ grantee, actions: [...actions], resourceArns });
  }

  #grantList(grantee: iam.IGrantable, prefixes: readonly string[]): void {
    const isWhole = prefixes.includes("");
    iam.Grant.addToPrincipal({
      grantee,
      actions: [...listActions],
      resourceArns: [this.bucket.bucketArn],
      ...(!isWhole && { conditions: { StringLike: { "s3:prefix": prefixes.map((prefix) => `${prefix}*`) } } }),
    });
  }
}

/** Lets a role at the quarantine, which is denied to everybody else: those that fill it, and that look after it. */
export function admitToQuarantine(role: iam.IRole): void {
  Tags.of(role).add(quarantineTag, "true");
}

/** By the place and not by a tag: so nobody reads it before a tag is there, or after it is lost. */
function deniedQuarantine(bucket: s3.IBucket): iam.PolicyStatement {
  return new iam.PolicyStatement({
    sid: "Quarantine",
    effect: iam.Effect.DENY,
    principals: [new iam.AnyPrincipal()],
    actions: quarantineActions,
    resources: [bucket.arnForObjects(`${quarantinePrefix}/*`)],
    conditions: { StringNotEquals: { [`aws:PrincipalTag/${quarantineTag}`]: "true" } },
  });
}
