import {
  type aws_apigatewayv2 as apigateway,
  CfnOutput,
  Stack,
  type StackProps,
  aws_route53_targets as targets,
} from "aws-cdk-lib";
import type { Construct } from "constructs";
import type { Stage } from "../configuration/schema.ts";
import { AliasRecord } from "../constructs/alias-record.ts";
import { FileApi } from "../constructs/file-api.ts";
import { ManagedConnector, ManagedServer } from "../constructs/managed-transfer.ts";
import type { FunctionsStack } from "./functions-stack.ts";
import type { StoreStack } from "./store-stack.ts";

export interface ApiStackProps extends StackProps {
  readonly stage: Stage;
  readonly store: StoreStack;
  readonly functions: FunctionsStack;
}

/** What integrators call, and what AWS Transfer Family runs for those who ask for it. */
export class ApiStack extends Stack {
  readonly api: FileApi;

  constructor(scope: Construct, id: string, props: ApiStackProps) {
    super(scope, id, props);
    const { stage, store, functions } = props;
    const { httpApi, authorize, customAuth } = functions.functions;
    const logRetention = stage.retention.logDays;
    this.api = new FileApi(this, "Files", {
      handler: httpApi,
      authorizer: stage.api.tokensOnly ? authorize : undefined,
      rate: stage.api.rate,
      burst: stage.api.burst,
      domain: stage.api.domain,
      logRetention,
    });
    new CfnOutput(this, "ApiUrl", { value: this.api.url });
    if (this.api.domainName) this.#nameApi(stage, this.api.domainName);
    const { server, connectors } = stage.managedTransfer;
    if (server) new ManagedServer(this, "ManagedServer", { customAuth, logRetention });
    for (const connector of connectors) {
      const { connector: placed } = new ManagedConnector(this, `Connector-${connector.name}`, {
        files: store.files,
        ...connector,
      });
      new CfnOutput(this, `ConnectorId-${connector.name}`, { value: placed.attrConnectorId });
    }
  }

  #nameApi({ dns, api: { domain } }: Stage, { regionalDomainName, regionalHostedZoneId }: apigateway.DomainName): void {
    new CfnOutput(this, "ApiDomainTarget", { value: regionalDomainName });
    if (dns === undefined || domain === undefined) return;
    const target = new targets.ApiGatewayv2DomainProperties(regionalDomainName, regionalHostedZoneId);
    new AliasRecord(this, "Name", { zone: dns, name: domain.name, target });
  }
}
