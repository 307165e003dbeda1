import {
  type ClientRequest,
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

const trickleMs = 50;

/**
 * What becomes of a request: it passes; it is refused, unheard, with a status or for its signature; its connection
 * breaks before it is heard; it is done and the answer is lost, or breaks off, or comes slowly; it is never answered.
 * S3 also begins some answers with status 200 and finds out later that it failed, whether it was done or not.
 */
export type Fault =
  | "pass"
  | "403"
  | "500"
  | "503"
  | "expired-token"
  | "skewed-clock"
  | "error-in-200"
  | "done-and-error-in-200"
  | "break"
  | "lose-answer"
  | "cut-answer"
  | "slow-answer"
  | "hang";

export interface FaultyHttp {
  readonly endpoint: string;
  /** Resolves when the server has answered all that came to it, whether or not anybody waited for the answer. */
  answered(): Promise<void>;
  stop(): Promise<void>;
}

/** An HTTP proxy in front of one server that does to each request what `faultOf` says. */
export async function startFaultyHttp(
  target: string,
  faultOf: (request: IncomingMessage) => Fault,
): Promise<FaultyHttp> {
  const underWay = new Set<ClientRequest>();
  const server = createServer((request, response) => {
    // Connections break here on purpose.
    for (const stream of [request, response]) stream.on("error", () => {});
    const forwarded = serve(target, faultOf(request), request, response);
    if (!forwarded) return;
    underWay.add(forwarded);
    forwarded.once("close", () => underWay.delete(forwarded));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const answered = async () => {
    for (let [next] = underWay; next; [next] = underWay) await closed(next);
  };
  return { endpoint: `http://127.0.0.1:${port}`, answered, stop: () => stopServer(server) };
}

function closed(request: ClientRequest): Promise<void> {
  return new Promise((resolve) => request.once("close", () => resolve()));
}

/** @returns the request to the server where one is made */
function serve(
  target: string,
  fault: Fault,
  request: IncomingMessage,
  response: ServerResponse,
): ClientRequest | undefined {
  switch (fault) {
    case "403":
    case "500":
    case "503":
    case "expired-token":
    case "skewed-clock":
    case "error-in-200":
      request.resume().once("end", () => response.writeHead(errors[fault].status).end(errorOf(fault)));
      return undefined;
    case "break":
      // In the middle of the content, where there is some.
      request.once("data", () => request.socket.destroy()).once("end", () => request.socket.destroy());
      return undefined;
    case "hang":
      request.resume();
      return undefined;
    default:
      return forward(target, fault, request, response);
  }
}

type Refusal = "403" | "500" | "503" | "expired-token" | "skewed-clock" | "error-in-200";

const errors: Readonly<Record<Refusal, { readonly status: number; readonly code: string }>> = {
  403: { status: 403, code: "AccessDenied" },
  500: { status: 500, code: "InternalError" },
  503: { status: 503, code: "SlowDown" },
  "expired-token": { status: 400, code: "ExpiredToken" },
  "skewed-clock": { status: 403, code: "RequestTimeTooSkewed" },
  "error-in-200": { status: 200, code: "InternalError" },
};

function errorOf(fault: Refusal): string {
  const { code } = errors[fault];
  return `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>a fault</Message></Error>`;
}

function forward(target: string, fault: Fault, request: IncomingMessage, response: ServerResponse): ClientRequest {
  const { method, headers, url = "/" } = request;
  const outgoing = httpRequest(new URL(url, target), { method, headers }, (answer) => {
    // Where nobody takes it any more it comes to its end all the same.
    response.once("close", () => answer.resume());
    if (fault === "lose-answer") {
      answer.resume().once("end", () => request.socket.destroy());
      return;
    }
    if (fault === "done-and-error-in-200") {
      answer.resume().once("end", () => response.writeHead(200).end(errorOf("error-in-200")));
      return;
    }
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    if (fault === "pass") answer.pipe(response);
    else if (fault === "slow-answer") void trickle(answer, response);
    else cut(answer, response);
  });
  outgoing.on("error", () => request.socket.destroy());
  // Whoever gave up in the middle of the content sends no more of it.
  request.once("close", () => request.complete || outgoing.destroy());
  request.pipe(outgoing);
  return outgoing;
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

/** Stops for a moment after each piece. */
async function trickle(answer: IncomingMessage, response: ServerResponse): Promise<void> {
  for await (const chunk of answer) {
    response.write(chunk);
    await delay(trickleMs);
  }
  response.end();
}

async function stopServer(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}
