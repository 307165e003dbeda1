import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";

/**
 * What becomes of a request: it passes; it is refused with a status, unheard or with half of its content read; its
 * connection breaks before it is heard; it is done and the answer is lost, or breaks off; it is never answered.
 */
export type Fault = "pass" | "403" | "500" | "503" | "break" | "lose-answer" | "cut-answer" | "hang";

export interface FaultyHttp {
  readonly endpoint: string;
  stop(): Promise<void>;
}

/** An HTTP proxy in front of one server that does to each request what `faultOf` says. */
export async function startFaultyHttp(
  target: string,
  faultOf: (request: IncomingMessage) => Fault,
): Promise<FaultyHttp> {
  const server = createServer((request, response) => {
    // Connections break here on purpose.
    for (const stream of [request, response]) stream.on("error", () => {});
    serve(target, faultOf(request), request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { endpoint: `http://127.0.0.1:${port}`, stop: () => stopServer(server) };
}

function serve(target: string, fault: Fault, request: IncomingMessage, response: ServerResponse): void {
  switch (fault) {
    case "403":
    case "500":
    case "503":
      request.resume().once("end", () => response.writeHead(Number(fault)).end(errorOf(fault)));
      break;
    case "break":
      // In the middle of the content, where there is some.
      request.once("data", () => request.socket.destroy()).once("end", () => request.socket.destroy());
      break;
    case "hang":
      request.resume();
      break;
    default:
      forward(target, fault, request, response);
  }
}

const errorCodes = { 403: "AccessDenied", 500: "InternalError", 503: "SlowDown" } as const;

function errorOf(status: "403" | "500" | "503"): string {
  const code = errorCodes[status];
  return `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>a fault</Message></Error>`;
}

function forward(target: string, fault: Fault, request: IncomingMessage, response: ServerResponse): void {
  const { method, headers, url = "/" } = request;
  const outgoing = httpRequest(new URL(url, target), { method, headers }, (answer) => {
    if (fault === "lose-answer") {
      answer.resume().once("end", () => request.socket.destroy());
      return;
    }
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    if (fault === "pass") answer.pipe(response);
    else cut(answer, response);
  });
  outgoing.on("error", () => request.socket.destroy());
  request.pipe(outgoing);
}

/** Half of what comes first, and then nothing more. */
function cut(answer: IncomingMessage, response: ServerResponse): void {
  response.flushHeaders();
  answer.once("data", (chunk: Buffer) => {
    response.write(chunk.subarray(0, chunk.length >> 1), () => response.socket?.destroy());
    answer.destroy();
  });
  answer.once("end", () => response.end());
}

async function stopServer(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}
