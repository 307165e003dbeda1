import { fileURLToPath } from "node:url";
import {
  type aws_cloudwatch as cloudwatch,
  Duration,
  aws_iam as iam,
  aws_lambda as lambda,
  type aws_logs as logs,
  aws_lambda_event_sources as sources,
} from "aws-cdk-lib";
import { Construct } from "constructs";
import { environmentNames } from "../../adapters/aws/env.ts";
import { acknowledgeResources } from "./acknowledge.ts";
import { type LogRetention, logGroup } from "./log-retention.ts";
import { defaultReceives, type WorkQueue } from "./work-queue.ts";

/** The product's functions: `lambdas/NAME.ts`, bundled to `dist/lambdas/NAME/index.mjs`. */
export type FunctionName =
  | "accounting"
  | "alerts"
  | "authorize"
  | "custom-auth"
  | "dispatch"
  | "first-secrets"
  | "http-api"
  | "scan-result"
  | "transfers";

/** Where the bundle of a function is. */
export type FunctionCode = (name: FunctionName) => lambda.Code;

/** The bundles of this checkout (`npm run bundle`), or of the package of constructs. */
export function bundledCode(name: FunctionName): lambda.Code {
  return lambda.Code.fromAsset(fileURLToPath(new URL(`../../dist/lambdas/${name}`, import.meta.url)));
}

export interface ServiceFunctionProps {
  readonly code: lambda.Code;
  readonly description: string;
  readonly environment: Readonly<Record<string, string>>;
  /** @default 30 seconds */
  readonly timeout?: Duration;
  /** A function gets processor time by its memory. @default 512 */
  readonly memoryMiB?: number;
  /** @default 90 days */
  readonly logRetention?: LogRetention;
}

/** One Lambda function: Node 24 on arm64, a role of its own that may nothing but write its log, and traces. */
export class ServiceFunction extends Construct implements iam.IGrantable {
  readonly function: lambda.Function;
  readonly role: iam.Role;
  readonly grantPrincipal: iam.IPrincipal;
  readonly logGroup: logs.LogGroup;

  constructor(scope: Construct, id: string, props: ServiceFunctionProps) {
    super(scope, id);
    this.role = new iam.Role(this, "Role", { assumedBy: new iam.ServicePrincipal("lambda.amazonaws.com") });
    this.grantPrincipal = this.role;
    acknowledgeResources(this, "*", "Traces (X-Ray) have no resource.");
    this.logGroup = logGroup(this, "Lines", props.logRetention);
    this.logGroup.grantWrite(this.role);
    this.function = new lambda.Function(this, "Function", {
      runtime: lambda.Runtime.NODEJS_24_X,
      architecture: lambda.Architecture.ARM_64,
      handler: "index.handler",
      code: props.code,
      description: props.description,
      role: this.role,
      environment: { ...props.environment, NODE_OPTIONS: "--enable-source-maps" },
      timeout: props.timeout ?? Duration.seconds(30),
      memorySize: props.memoryMiB ?? 512,
      logGroup: this.logGroup,
      loggingFormat: lambda.LoggingFormat.JSON,
      tracing: lambda.Tracing.ACTIVE,
    });
  }

  /** Works on what comes into the queue; messages that it names as failed come again, the others do not. */
  addQueue({ queue }: WorkQueue, options: sources.SqsEventSourceProps): void {
    this.function.addEventSource(new sources.SqsEventSource(queue, { reportBatchItemFailures: true, ...options }));
    this.function.addEnvironment(environmentNames.queueReceives, String(defaultReceives));
  }

  grantInvoke(grantee: iam.IGrantable): iam.Grant {
    return iam.Grant.addToPrincipal({
      grantee,
      actions: ["lambda:InvokeFunction"],
      resourceArns: [this.function.functionArn],
    });
  }

  metricErrors(): cloudwatch.Metric {
    return this.function.metricErrors({ period: Duration.minutes(5), label: "errors" });
  }

  metricThrottles(): cloudwatch.Metric {
    return this.function.metricThrottles({ period: Duration.minutes(5), label: "throttled" });
  }

  metricDuration(): cloudwatch.Metric {
    return this.function.metricDuration({ statistic: "p95", label: "p95" });
  }
}
