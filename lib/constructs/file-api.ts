import {
  aws_apigatewayv2 as apigateway,
  aws_apigatewayv2_authorizers as authorizers,
  aws_certificatemanager as certificates,
  type aws_cloudwatch as cloudwatch,
  Duration,
  aws_apigatewayv2_integrations as integrations,
} from "aws-cdk-lib";
import { Construct } from "constructs";
import { acknowledge } from "./acknowledge.ts";
import { type LogRetention, logGroup } from "./log-retention.ts";
import type { ServiceFunction } from "./service-function.ts";

export interface FileApiProps {
  readonly handler: ServiceFunction;
  /**
   * Looks at the token before the function is called. It takes tokens only: a password is for `POST /v1/sessions` then.
   * @default none: the function itself looks at credentials, tokens and passwords (Basic)
   */
  readonly authorizer?: ServiceFunction;
  /** Requests a second that are let in. @default 50 */
  readonly rate?: number;
  /** Requests that are let in at once. @default 100 */
  readonly burst?: number;
  /** @default the name that API Gateway gives it */
  readonly domain?: { readonly name: string; readonly certificateArn: string };
  /** @default 90 days */
  readonly logRetention?: LogRetention;
}

/** What is answered to everybody: how to log in, whether it works, and what the API is. */
const openRoutes = {
  "/v1/sessions": apigateway.HttpMethod.POST,
  "/health": apigateway.HttpMethod.GET,
  "/ready": apigateway.HttpMethod.GET,
  "/openapi.json": apigateway.HttpMethod.GET,
  "/docs": apigateway.HttpMethod.GET,
} as const;

/**
 * The HTTP API. What an account may do is decided by the function, request by request, whether or not an authorizer
 * looked at the token before. Contents of large files do not pass here: S3 takes and gives them by signed URLs.
 */
export class FileApi extends Construct {
  readonly api: apigateway.HttpApi;
  /** Where clients find it, with `https://`. */
  readonly url: string;
  /** What a record of the custom domain points at. */
  readonly domainName: apigateway.DomainName | undefined;

  constructor(scope: Construct, id: string, props: FileApiProps) {
    super(scope, id);
    this.api = new apigateway.HttpApi(this, "Api", {
      createDefaultStage: false,
      disableExecuteApiEndpoint: props.domain !== undefined,
    });
    this.#addRoutes(props);
    const domain = props.domain && this.#domain(props.domain);
    const stage = this.#stage(props, domain);
    this.domainName = domain;
    this.url = props.domain ? `https://${props.domain.name}` : stage.url;
  }

  metricServerErrors(): cloudwatch.Metric {
    return this.api.metricServerError({ statistic: "Sum", period: Duration.minutes(5), label: "5xx" });
  }

  metricRequests(): cloudwatch.Metric {
    return this.api.metricCount({ statistic: "Sum", label: "requests" });
  }

  metricLatency(): cloudwatch.Metric {
    return this.api.metricLatency({ statistic: "p95", label: "p95" });
  }

  #addRoutes(props: FileApiProps): void {
    const integration = new integrations.HttpLambdaIntegration("Handler", props.handler.function);
    const authorizer = props.authorizer && authorizerOf(props.authorizer);
    const path = "/{path+}";
    const routes = this.api.addRoutes({ path, methods: [apigateway.HttpMethod.ANY], integration, authorizer });
    if (!authorizer)
      for (const route of routes) acknowledge(route, "AwsSolutions-APIG4", "The function authenticates.");
    for (const [path, method] of Object.entries(openRoutes)) {
      const [route] = this.api.addRoutes({ path, methods: [method], integration });
      if (route)
        acknowledge(route, "AwsSolutions-APIG4", "Logging in, health and the description need no credentials.");
    }
  }

  #stage({ rate, burst, logRetention }: FileApiProps, domainName: apigateway.DomainName | undefined) {
    const lines = logGroup(this, "Requests", logRetention);
    return new apigateway.HttpStage(this, "Stage", {
      httpApi: this.api,
      autoDeploy: true,
      throttle: { rateLimit: rate ?? 50, burstLimit: burst ?? 100 },
      accessLogSettings: { destination: new apigateway.LogGroupLogDestination(lines) },
      ...(domainName && { domainMapping: { domainName } }),
    });
  }

  #domain({ name, certificateArn }: NonNullable<FileApiProps["domain"]>): apigateway.DomainName {
    return new apigateway.DomainName(this, "Domain", {
      domainName: name,
      certificate: certificates.Certificate.fromCertificateArn(this, "Certificate", certificateArn),
    });
  }
}

/** It decides by method and path too, so that an answer is good for one request and none is remembered. */
function authorizerOf({ function: authorizer }: ServiceFunction): authorizers.HttpLambdaAuthorizer {
  return new authorizers.HttpLambdaAuthorizer("Tokens", authorizer, {
    responseTypes: [authorizers.HttpLambdaResponseType.SIMPLE],
    identitySource: ["$request.header.Authorization"],
    resultsCacheTtl: Duration.seconds(0),
  });
}
