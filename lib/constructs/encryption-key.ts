import { aws_iam as iam, aws_kms as kms, RemovalPolicy, Stack } from "aws-cdk-lib";
import { Construct } from "constructs";

export interface EncryptionKeyProps {
  /** @default RemovalPolicy.RETAIN: without the key, what it encrypted cannot be read */
  readonly removalPolicy?: RemovalPolicy;
}

/** The service that uses the key on a principal's behalf. */
export type EncryptingService = "s3" | "dynamodb" | "secretsmanager";

const readActions = ["kms:Decrypt", "kms:DescribeKey"];
const writeActions = [
  "kms:Encrypt",
  "kms:GenerateDataKey",
  "kms:GenerateDataKeyWithoutPlaintext",
  "kms:ReEncryptFrom",
  "kms:ReEncryptTo",
];

/**
 * The one key of files, table, secrets and alarms. A principal gets it for one service only and never directly. Grants
 * are in the principals' policies, so that the key does not depend on the stacks that use it.
 */
export class EncryptionKey extends Construct {
  readonly kmsKey: kms.Key;

  constructor(scope: Construct, id: string, props: EncryptionKeyProps = {}) {
    super(scope, id);
    this.kmsKey = new kms.Key(this, "Key", {
      description: "Ferrygate: files, accounts, secrets",
      enableKeyRotation: true,
      removalPolicy: props.removalPolicy ?? RemovalPolicy.RETAIN,
    });
    // An alarm has to encrypt what it publishes to the topic.
    this.kmsKey.addToResourcePolicy(
      new iam.PolicyStatement({
        principals: [new iam.ServicePrincipal("cloudwatch.amazonaws.com")],
        actions: ["kms:Decrypt", "kms:GenerateDataKey"],
        resources: ["*"],
      }),
    );
  }

  grantDecrypt(grantee: iam.IGrantable, service: EncryptingService): iam.Grant {
    return this.#grant(grantee, service, readActions);
  }

  grantEncryptDecrypt(grantee: iam.IGrantable, service: EncryptingService): iam.Grant {
    return this.#grant(grantee, service, [...readActions, ...writeActions]);
  }

  /** The same key, to be given to constructs that would write their users into its policy. */
  reference(scope: Construct, id: string): kms.IKey {
    return kms.Key.fromKeyArn(scope, id, this.kmsKey.keyArn);
  }

  #grant(grantee: iam.IGrantable, service: EncryptingService, actions: readonly string[]): iam.Grant {
    return iam.Grant.addToPrincipal({
      grantee,
      actions: [...actions],
      resourceArns: [this.kmsKey.keyArn],
      conditions: { StringEquals: { "kms:ViaService": `${service}.${Stack.of(this).region}.amazonaws.com` } },
    });
  }
}
