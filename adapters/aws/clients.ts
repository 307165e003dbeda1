import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { LambdaClient } from "@aws-sdk/client-lambda";
import { S3Client } from "@aws-sdk/client-s3";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { SESClient } from "@aws-sdk/client-ses";
import { SQSClient } from "@aws-sdk/client-sqs";
import { TransferClient } from "@aws-sdk/client-transfer";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { limits } from "../../core/limits.ts";
import { SlicedBodyHandler } from "./sliced-bodies.ts";

/**
 * Clients of the AWS services, with the timeouts, retries and connection pools that the product relies on. Region,
 * credentials and endpoints come from the environment (`AWS_REGION`, `AWS_ENDPOINT_URL`, …), as the SDK reads it.
 */
export function createS3Client({ endpoint, idleMs = limits.awsRequestMs }: S3ClientOptions = {}): S3Client {
  const client = new S3Client({
    ...(endpoint === undefined ? {} : { endpoint }),
    maxAttempts: limits.awsAttempts,
    requestHandler: new SlicedBodyHandler({
      connectionTimeout: limits.awsConnectMs,
      // A part may take long, as long as it moves.
      socketTimeout: idleMs,
      ...agents(limits.awsTransferConnections),
    }),
    // A server that is reached by address or through a tunnel has no host names of buckets.
    forcePathStyle: [endpoint, process.env.AWS_ENDPOINT_URL, process.env.AWS_ENDPOINT_URL_S3].some((url) => url),
    // The store computes the checksum of what it sends while the bytes arrive.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    expectContinueHeader: false,
  });
  client.middlewareStack.add((next) => (args) => next(leaveContentToTls(args)), { step: "build" });
  return client;
}

export interface S3ClientOptions {
  /** By default that of the environment. */
  readonly endpoint?: string | undefined;
  /** How long a connection in use may stand still. */
  readonly idleMs?: number | undefined;
}

/** TLS protects the content on its way and S3 checks its CRC-32; a SHA-256 for the signature costs as much again. */
function leaveContentToTls<T extends object>(args: T & { request?: unknown }): T {
  const request = args.request as { readonly protocol: string; readonly headers: Record<string, string> };
  if (request.protocol === "https:") request.headers["x-amz-content-sha256"] = "UNSIGNED-PAYLOAD";
  return args;
}

/** Reads and writes plain JavaScript objects; `undefined` attributes are left out. */
export function createDynamoClient(): DynamoDBDocumentClient {
  return DynamoDBDocumentClient.from(new DynamoDBClient(settings(limits.awsConnections)), {
    marshallOptions: { removeUndefinedValues: true },
  });
}

export function createEventBridgeClient(): EventBridgeClient {
  return new EventBridgeClient(settings(limits.awsConnections));
}

export function createSqsClient(): SQSClient {
  return new SQSClient(settings(limits.awsConnections));
}

export function createSesClient(): SESClient {
  return new SESClient(settings(limits.awsConnections));
}

export function createSecretsClient(): SecretsManagerClient {
  return new SecretsManagerClient(settings(limits.awsConnections));
}

export function createLambdaClient(): LambdaClient {
  return new LambdaClient(settings(limits.awsConnections));
}

export function createTransferClient(): TransferClient {
  return new TransferClient(settings(limits.awsConnections));
}

function agents(maxSockets: number) {
  const agentOptions = { keepAlive: true, maxSockets };
  return { httpAgent: new HttpAgent(agentOptions), httpsAgent: new HttpsAgent(agentOptions) };
}

function settings(maxSockets: number) {
  return {
    maxAttempts: limits.awsAttempts,
    requestHandler: new NodeHttpHandler({
      connectionTimeout: limits.awsConnectMs,
      requestTimeout: limits.awsRequestMs,
      throwOnRequestTimeout: true,
      ...agents(maxSockets),
    }),
  };
}
