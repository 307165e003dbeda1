import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Context } from "aws-lambda";

export type PayloadHandler = (
  event: APIGatewayProxyEventV2,
  context: Context,
) => Promise<APIGatewayProxyStructuredResultV2>;

/** What API Gateway lets through, and what it can hand to a function as JSON, in bytes. */
const mostContent = 10 * 1024 * 1024;
const mostPayload = 6 * 1024 * 1024;

/** An HTTP API of API Gateway on a socket, as far as a function can see: payload format 2.0, stage `$default`. */
export async function startHttpApi(handler: PayloadHandler): Promise<{ readonly url: string; close(): Promise<void> }> {
  const server = createServer((request, response) => {
    serve(handler, request, response).catch((error: unknown) => {
      response.statusCode = 500;
      response.end(JSON.stringify({ message: "Internal Server Error", error: `${error}` }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () => new Promise((resolve) => server.close(() => resolve()).closeAllConnections()),
  };
}

async function serve(handler: PayloadHandler, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  const content = Buffer.concat(chunks);
  const payload = payloadOf(request, content);
  if (content.length > mostContent || Buffer.byteLength(JSON.stringify(payload)) > mostPayload) {
    response.statusCode = 413;
    response.end(JSON.stringify({ message: "Request Entity Too Large" }));
    return;
  }
  const result = await handler(payload, lambdaContext());
  response.statusCode = result.statusCode ?? 200;
  for (const [name, value] of Object.entries(result.headers ?? {})) response.setHeader(name, `${value}`);
  if (result.cookies) response.setHeader("set-cookie", result.cookies);
  response.end(Buffer.from(result.body ?? "", result.isBase64Encoded ? "base64" : "utf8"));
}

/** The gateway hands over text as it is and everything else in base64. */
function payloadOf(request: IncomingMessage, content: Buffer): APIGatewayProxyEventV2 {
  const { method = "GET", url = "/", headers } = request;
  const [path = "/", query = ""] = url.split("?", 2) as [string, string?];
  const isText = /^(text\/|application\/json)/.test(headers["content-type"] ?? "");
  const names = Object.entries(headers).map(([name, value]) => [name, [value].flat().join(",")]);
  const parameters = new URLSearchParams(query);
  const values = [...new Set(parameters.keys())].map((name) => [name, parameters.getAll(name).join(",")]);
  const rawPath = decodeURIComponent(path);
  return {
    version: "2.0",
    routeKey: "$default",
    rawPath,
    rawQueryString: query,
    headers: Object.fromEntries(names),
    ...(values.length > 0 && { queryStringParameters: Object.fromEntries(values) }),
    requestContext: requestContextOf(request, method, rawPath),
    ...(content.length > 0 && { body: content.toString(isText ? "utf8" : "base64") }),
    isBase64Encoded: content.length > 0 && !isText,
  };
}

function requestContextOf({ socket, headers }: IncomingMessage, method: string, path: string) {
  const sourceIp = (socket.remoteAddress ?? "").replace(/^::ffff:/, "");
  return {
    accountId: "123456789012",
    apiId: "a1b2c3d4e5",
    domainName: headers.host ?? "",
    domainPrefix: "a1b2c3d4e5",
    http: { method, path, protocol: "HTTP/1.1", sourceIp, userAgent: headers["user-agent"] ?? "" },
    requestId: crypto.randomUUID(),
    routeKey: "$default",
    stage: "$default",
    time: new Date().toUTCString(),
    timeEpoch: Date.now(),
  };
}

/** What Lambda tells a function about the call. */
export function lambdaContext(): Context {
  return {
    callbackWaitsForEmptyEventLoop: false,
    functionName: "function",
    functionVersion: "$LATEST",
    invokedFunctionArn: "arn:aws:lambda:eu-west-1:123456789012:function:function",
    memoryLimitInMB: "1024",
    awsRequestId: crypto.randomUUID(),
    logGroupName: "/aws/lambda/function",
    logStreamName: "stream",
    // Tests do not measure time: this is the most that Lambda gives.
    getRemainingTimeInMillis: () => 900_000,
    done: () => {},
    fail: () => {},
    succeed: () => {},
  };
}
