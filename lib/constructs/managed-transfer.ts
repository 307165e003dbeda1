import { Aws, aws_iam as iam, aws_lambda as lambda, Stack, aws_transfer as transfer } from "aws-cdk-lib";
import { Construct } from "constructs";
import { acknowledgeResources } from "./acknowledge.ts";
import type { FileBucket } from "./file-bucket.ts";
import { type LogRetention, logGroup } from "./log-retention.ts";
import type { ServiceFunction } from "./service-function.ts";

const service = "transfer.amazonaws.com";
const securityPolicy = "TransferSecurityPolicy-2024-01";
const connectorPolicy = "TransferSFTPConnectorSecurityPolicy-2024-03";

/**
 * The role in which a managed server reaches the files. What a client may do with it is what the session policy leaves,
 * which custom-auth makes from the account's rules.
 */
export class ManagedTransferRole extends Construct {
  readonly role: iam.Role;

  constructor(scope: Construct, id: string, props: { readonly files: FileBucket }) {
    super(scope, id);
    this.role = new iam.Role(this, "Role", { assumedBy: ownTransfer() });
    props.files.grantTransfer(this.role);
    const resourceArns = [props.files.bucket.bucketArn];
    iam.Grant.addToPrincipal({ grantee: this.role, actions: ["s3:GetBucketLocation"], resourceArns });
  }
}

export interface ManagedServerProps {
  /** The custom-auth function, which answers in the form of custom identity providers. */
  readonly customAuth: ServiceFunction;
  /** @default 90 days */
  readonly logRetention?: LogRetention;
}

/** A server of AWS Transfer Family with the same accounts and rules, for those who want no containers. */
export class ManagedServer extends Construct {
  readonly server: transfer.CfnServer;

  constructor(scope: Construct, id: string, props: ManagedServerProps) {
    super(scope, id);
    const lines = logGroup(this, "Lines", props.logRetention);
    this.server = new transfer.CfnServer(this, "Server", {
      domain: "S3",
      endpointType: "PUBLIC",
      protocols: ["SFTP"],
      identityProviderType: "AWS_LAMBDA",
      identityProviderDetails: { function: props.customAuth.function.functionArn },
      securityPolicyName: securityPolicy,
      structuredLogDestinations: [`${lines.logGroupArn}`],
    });
    new lambda.CfnPermission(this, "MayAsk", {
      action: "lambda:InvokeFunction",
      functionName: props.customAuth.function.functionArn,
      principal: service,
      sourceArn: this.server.attrArn,
      sourceAccount: Aws.ACCOUNT_ID,
    });
  }
}

export interface ManagedConnectorProps {
  readonly files: FileBucket;
  /** `sftp://HOST` or `sftp://HOST:PORT`. */
  readonly url: string;
  /** Secret with `{"Username", "Password" | "PrivateKey"}`. */
  readonly secretArn: string;
  readonly trustedHostKeys: readonly string[];
}

/** A connector of AWS Transfer Family: pushes to and pulls from a remote SFTP server, from fixed addresses of AWS. */
export class ManagedConnector extends Construct {
  readonly connector: transfer.CfnConnector;

  constructor(scope: Construct, id: string, props: ManagedConnectorProps) {
    super(scope, id);
    const accessRole = new iam.Role(this, "Role", { assumedBy: ownTransfer() });
    props.files.grantTransfer(accessRole);
    iam.Grant.addToPrincipal({
      grantee: accessRole,
      actions: ["secretsmanager:GetSecretValue"],
      resourceArns: [props.secretArn],
    });
    this.connector = new transfer.CfnConnector(this, "Connector", {
      accessRole: accessRole.roleArn,
      url: props.url,
      sftpConfig: { userSecretId: props.secretArn, trustedHostKeys: [...props.trustedHostKeys] },
      securityPolicyName: connectorPolicy,
    });
    this.connector.node.addDependency(accessRole);
  }
}

/** Starts transfers of this account's connectors and asks for their results. */
export function grantConnectors(grantee: ServiceFunction): void {
  const end = "connector/*";
  acknowledgeResources(grantee, `:${end}`, "Connectors come after the function that starts them.");
  iam.Grant.addToPrincipal({
    grantee,
    actions: [
      "transfer:ListFileTransferResults",
      "transfer:StartDirectoryListing",
      "transfer:StartFileTransfer",
      "transfer:StartRemoteDelete",
      "transfer:StartRemoteMove",
    ],
    resourceArns: [Stack.of(grantee).formatArn({ service: "transfer", resource: "connector", resourceName: "*" })],
  });
}

function ownTransfer(): iam.PrincipalBase {
  return new iam.ServicePrincipal(service, { conditions: { StringEquals: { "aws:SourceAccount": Aws.ACCOUNT_ID } } });
}
