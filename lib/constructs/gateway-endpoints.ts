import { Aws, aws_ec2 as ec2, aws_iam as iam, Stack } from "aws-cdk-lib";
import { Construct } from "constructs";

export interface GatewayEndpointsProps {
  readonly vpc: ec2.IVpc;
  readonly subnets: readonly ec2.ISubnet[];
  readonly routeTableIds: readonly string[];
}

/**
 * What the tasks call besides S3 and DynamoDB: their image, logs, secrets, the custom-auth function, the event bus.
 * With `actions` an endpoint takes these of this account's principals and nothing else.
 */
const services: Readonly<Record<string, { service: ec2.InterfaceVpcEndpointAwsService; actions?: string[] }>> = {
  EcrApi: { service: ec2.InterfaceVpcEndpointAwsService.ECR },
  EcrDocker: { service: ec2.InterfaceVpcEndpointAwsService.ECR_DOCKER },
  Logs: {
    service: ec2.InterfaceVpcEndpointAwsService.CLOUDWATCH_LOGS,
    actions: ["logs:CreateLogStream", "logs:PutLogEvents"],
  },
  Secrets: {
    service: ec2.InterfaceVpcEndpointAwsService.SECRETS_MANAGER,
    actions: ["secretsmanager:GetSecretValue"],
  },
  Lambda: { service: ec2.InterfaceVpcEndpointAwsService.LAMBDA, actions: ["lambda:InvokeFunction"] },
  Events: { service: ec2.InterfaceVpcEndpointAwsService.EVENTBRIDGE, actions: ["events:PutEvents"] },
};

const bucketActions = [
  "s3:AbortMultipartUpload",
  "s3:DeleteObject",
  "s3:GetObject",
  "s3:GetObjectVersion",
  "s3:ListBucket",
  "s3:ListBucketMultipartUploads",
  "s3:ListBucketVersions",
  "s3:ListMultipartUploadParts",
  "s3:PutObject",
];

const tableActions = [
  "dynamodb:BatchGetItem",
  "dynamodb:BatchWriteItem",
  "dynamodb:ConditionCheckItem",
  "dynamodb:DeleteItem",
  "dynamodb:DescribeTable",
  "dynamodb:GetItem",
  "dynamodb:PutItem",
  "dynamodb:Query",
  "dynamodb:UpdateItem",
];

/**
 * The way from isolated subnets to AWS. S3 and DynamoDB have gateway endpoints, which cost nothing and let through only
 * this account's buckets and tables (and ECR's layers); the interface endpoints take only what this account's
 * principals sign. So a task that was taken over carries nothing to another account, even with its credentials.
 */
export class GatewayEndpoints extends Construct implements ec2.IConnectable {
  readonly connections: ec2.Connections;
  /** The one group of all interface endpoints. */
  readonly securityGroup: ec2.SecurityGroup;

  constructor(scope: Construct, id: string, props: GatewayEndpointsProps) {
    super(scope, id);
    this.securityGroup = new ec2.SecurityGroup(this, "SecurityGroup", {
      vpc: props.vpc,
      description: "Interface endpoints of the gateway",
      allowAllOutbound: false,
    });
    this.connections = new ec2.Connections({
      securityGroups: [this.securityGroup],
      defaultPort: ec2.Port.tcp(443),
    });
    for (const [name, { service, actions }] of Object.entries(services)) {
      const endpoint = new ec2.InterfaceVpcEndpoint(this, name, {
        vpc: props.vpc,
        service,
        subnets: { subnets: [...props.subnets] },
        securityGroups: [this.securityGroup],
        open: false,
        privateDnsEnabled: true,
      });
      if (actions) endpoint.addToPolicy(ownPrincipals(actions));
    }
    const layers = `arn:${Aws.PARTITION}:s3:::prod-${Stack.of(this).region}-starport-layer-bucket/*`;
    this.#gateway("S3", props, [
      ownResources(bucketActions),
      new iam.PolicyStatement({ principals: [new iam.AnyPrincipal()], actions: ["s3:GetObject"], resources: [layers] }),
    ]);
    this.#gateway("DynamoDb", props, [ownResources(tableActions)]);
  }

  #gateway(id: "S3" | "DynamoDb", props: GatewayEndpointsProps, statements: iam.PolicyStatement[]): void {
    new ec2.CfnVPCEndpoint(this, id, {
      vpcId: props.vpc.vpcId,
      vpcEndpointType: "Gateway",
      serviceName: `com.amazonaws.${Stack.of(this).region}.${id.toLowerCase()}`,
      routeTableIds: [...props.routeTableIds],
      policyDocument: new iam.PolicyDocument({ statements }),
    });
  }
}

function ownPrincipals(actions: readonly string[]): iam.PolicyStatement {
  return new iam.PolicyStatement({
    principals: [new iam.AnyPrincipal()],
    actions: [...actions],
    resources: ["*"],
    conditions: { StringEquals: { "aws:PrincipalAccount": Aws.ACCOUNT_ID } },
  });
}

function ownResources(actions: readonly string[]): iam.PolicyStatement {
  return new iam.PolicyStatement({
    principals: [new iam.AnyPrincipal()],
    actions: [...actions],
    resources: ["*"],
    conditions: { StringEquals: { "aws:ResourceAccount": Aws.ACCOUNT_ID } },
  });
}
