import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Context } from "aws-lambda";

/** A handler as AWS Lambda calls it. */
export type LambdaHandler = (event: unknown, context: Context) => unknown;

export interface LambdaService {
  /** For `AWS_ENDPOINT_URL_LAMBDA`. */
  readonly endpoint: string;
  /** How often each function was called. */
  readonly calls: ReadonlyMap<string, number>;
  close(): Promise<void>;
}

/**
 * The Invoke operation of AWS Lambda (POST /2015-03-31/functions/NAME/invocations), for handlers in this process: the
 * event and the result are JSON, and what a handler throws is told as the service tells it. An `Event` is answered
 * before the handler is called, and nobody hears how it ended.
 */
export async function startLambdaService(handlers: Readonly<Record<string, LambdaHandler>>): Promise<LambdaService> {
  const calls = new Map<string, number>();
  const server = createServer((request, response) => {
    const name = decodeURIComponent(
      /^\/2015-03-31\/functions\/([^/]+)\/invocations$/.exec(request.url ?? "")?.[1] ?? "",
    );
    const handler = handlers[name];
    calls.set(name, (calls.get(name) ?? 0) + 1);
    if (handler) void invoke(handler, name, { request, response });
    else response.writeHead(404, { "x-amzn-errortype": "ResourceNotFoundException" }).end('{"Type":"User"}');
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function invoke(
  handler: LambdaHandler,
  functionName: string,
  { request, response }: { readonly request: IncomingMessage; readonly response: ServerResponse },
): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  if (request.headers["x-amz-invocation-type"] === "Event") response.writeHead(202).end();
  try {
    const event: unknown = JSON.parse(Buffer.concat(chunks).toString() || "null");
    const result = await handler(event, contextOf(functionName));
    if (response.writableEnded) return;
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(result ?? null));
  } catch (error) {
    if (response.writableEnded) return;
    const { name, message } = error instanceof Error ? error : { name: "Error", message: `${error}` };
    response.writeHead(200, { "content-type": "application/json", "x-amz-function-error": "Unhandled" });
    response.end(JSON.stringify({ errorType: name, errorMessage: message, trace: [] }));
  }
}

function contextOf(functionName: string): Context {
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionName,
    functionVersion: "$LATEST",
    invokedFunctionArn: `arn:aws:lambda:eu-west-1:111122223333:function:${functionName}`,
    memoryLimitInMB: "256",
    awsRequestId: randomUUID(),
    logGroupName: `/aws/lambda/${functionName}`,
    logStreamName: "test",
    getRemainingTimeInMillis: () => 10_000,
    done: () => {},
    fail: () => {},
    succeed: () => {},
  };
}
