import { aws_iam as iam, RemovalPolicy, aws_secretsmanager as secretsmanager } from "aws-cdk-lib";
import { Construct } from "constructs";
import { acknowledge } from "./acknowledge.ts";
import type { EncryptionKey } from "./encryption-key.ts";

export interface ProductSecretProps {
  readonly encryptionKey: EncryptionKey;
  readonly description: string;
  /** @default RemovalPolicy.RETAIN: partners have the host keys on record */
  readonly removalPolicy?: RemovalPolicy;
}

/** A secret that begins empty. What fills it is the first deployment's function, or an operator. */
export class ProductSecret extends Construct {
  readonly secret: secretsmanager.Secret;
  readonly #encryptionKey: EncryptionKey;

  constructor(scope: Construct, id: string, props: ProductSecretProps) {
    super(scope, id);
    this.#encryptionKey = props.encryptionKey;
    this.secret = new secretsmanager.Secret(this, "Secret", {
      description: props.description,
      encryptionKey: props.encryptionKey.reference(this, "Key"),
      removalPolicy: props.removalPolicy ?? RemovalPolicy.RETAIN,
    });
    // No value at all, so that no later deployment can put one over what is in it.
    const resource = this.secret.node.defaultChild as secretsmanager.CfnSecret;
    resource.addPropertyDeletionOverride("GenerateSecretString");
    acknowledge(
      this.secret,
      "AwsSolutions-SMG4",
      "Partners know the host keys: they change by an announced rotation, see deploy.md.",
    );
  }

  grantRead(grantee: iam.IGrantable): iam.Grant {
    this.#encryptionKey.grantDecrypt(grantee, "secretsmanager");
    return this.#grant(grantee, ["secretsmanager:GetSecretValue"]);
  }

  grantReadWrite(grantee: iam.IGrantable): iam.Grant {
    this.#encryptionKey.grantEncryptDecrypt(grantee, "secretsmanager");
    return this.#grant(grantee, ["secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue"]);
  }

  #grant(grantee: iam.IGrantable, actions: string[]): iam.Grant {
    return iam.Grant.addToPrincipal({ grantee, actions, resourceArns: [this.secret.secretArn] });
  }
}
