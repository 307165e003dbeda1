import middy from "@middy/core";
import httpErrorHandler from "@middy/http-error-handler";
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from "aws-lambda";
import { environmentNames } from "../adapters/aws/env.ts";
import { optionalText, readEnvironment, requiredText } from "../adapters/aws/environment.ts";
import { createGatewayHandler } from "../protocols/http/api-gateway.ts";
import { openApplication } from "./services/application.ts";
import { runtime } from "./services/operator-log.ts";
import { variables } from "./services/variables.ts";

const environment = readEnvironment(process.env, {
  ...variables,
  tokenKeys: requiredText(environmentNames.tokenKeysSecret),
  dispatchQueue: optionalText(environmentNames.dispatchQueue),
  alertQueue: optionalText(environmentNames.alertQueue),
  transfersFunction: optionalText(environmentNames.transfersFunction),
  scanResultFunction: optionalText(environmentNames.scanResultFunction),
});
const answer = createGatewayHandler(await openApplication(environment), runtime.log);
const problem = { type: "about:blank", title: "Internal Server Error", status: 500, code: "internal" };
const logger = (error: unknown) => runtime.log.error("a request could not be answered", { error });

/** The HTTP API behind API Gateway, payload format 2.0. What is no such event, or takes too long, is 500 and logged. */
export const handler = middy<APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2>()
  .use(httpErrorHandler({ logger, fallbackMessage: JSON.stringify(problem) }))
  .handler((event) => answer(event));
