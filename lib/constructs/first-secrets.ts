import { CustomResource, Duration, type aws_lambda as lambda } from "aws-cdk-lib";
import { Construct } from "constructs";
import type { LogRetention } from "./log-retention.ts";
import type { ProductSecret } from "./product-secret.ts";
import { ServiceFunction } from "./service-function.ts";

export interface FirstSecretsProps {
  readonly code: lambda.Code;
  readonly hostKeys: ProductSecret;
  readonly tls: ProductSecret;
  readonly tokenKeys: ProductSecret;
  /** The name that the first, self-signed certificate is for. */
  readonly hostName: string;
  /** @default 90 days */
  readonly logRetention?: LogRetention;
}

/**
 * Fills the secrets that are empty, at the first deployment: host keys, a self-signed certificate, a signing key.
 * What is there is never replaced. Tells the fingerprints of the host keys, which are public.
 */
export class FirstSecrets extends Construct {
  readonly function: ServiceFunction;
  /** `SHA256:… (ED25519), SHA256:… (RSA)`, as of the last deployment that changed this resource. */
  readonly hostKeyFingerprints: string;

  constructor(scope: Construct, id: string, props: FirstSecretsProps) {
    super(scope, id);
    this.function = new ServiceFunction(this, "Fill", {
      code: props.code,
      description: "Fills empty secrets at the first deployment",
      environment: {},
      timeout: Duration.minutes(2),
      // RSA keys take processor time, and memory brings it.
      memoryMiB: 1024,
      logRetention: props.logRetention,
    });
    const granted = [props.hostKeys, props.tls, props.tokenKeys].map((secret) => secret.grantReadWrite(this.function));
    const resource = new CustomResource(this, "Secrets", {
      serviceToken: this.function.function.functionArn,
      resourceType: "Custom::FirstSecrets",
      serviceTimeout: Duration.minutes(5),
      properties: {
        HostKeysSecret: props.hostKeys.secret.secretArn,
        TlsSecret: props.tls.secret.secretArn,
        TokenKeysSecret: props.tokenKeys.secret.secretArn,
        HostName: props.hostName,
      },
    });
    resource.node.addDependency(this.function.role, ...granted);
    this.hostKeyFingerprints = resource.getAttString("HostKeyFingerprints");
  }
}
