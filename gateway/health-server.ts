import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { limits } from "../core/limits.ts";
import { expositionMediaType } from "../service/metrics/exposition.ts";

export type Readiness = "starting" | "ready" | "draining";

export interface HealthServerOptions {
  readonly listen: { readonly host: string; readonly port: number };
  readonly readiness: () => Readiness;
  /** The text of `GET /metrics`. */
  readonly metrics: () => string;
}

interface Answer {
  readonly status: number;
  readonly mediaType: string;
  readonly text: string;
}

/**
 * `GET /health` (the process lives), `GET /ready` (503 unless it takes clients) and `GET /metrics`, for the load
 * balancer and the platform; it knows nothing else and reads no content.
 */
export class HealthServer {
  readonly #options: HealthServerOptions;
  readonly #server: Server;

  constructor(options: HealthServerOptions) {
    this.#options = options;
    const settings = {
      headersTimeout: limits.httpHeadersMs,
      requestTimeout: limits.httpHeadersMs,
      maxHeaderSize: limits.httpHeaderBytes,
      keepAliveTimeout: limits.httpKeepAliveMs,
    };
    this.#server = createServer(settings, (request, response) => this.#answer(request, response));
    this.#server.maxConnections = limits.healthConnections;
  }

  async listen(): Promise<void> {
    this.#server.listen(this.#options.listen);
    await once(this.#server, "listening");
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const isRead = request.method === "GET" || request.method === "HEAD";
    const { status, mediaType, text } = isRead ? this.#contentOf(request.url ?? "") : json(405, { status: "refused" });
    response.writeHead(status, { "content-type": mediaType, "cache-control": "no-store" });
    response.end(request.method === "HEAD" ? undefined : text);
  }

  #contentOf(url: string): Answer {
    const { readiness, metrics } = this.#options;
    switch (url.split("?", 1)[0]) {
      case "/health":
        return json(200, { status: "ok" });
      case "/ready":
        return json(readiness() === "ready" ? 200 : 503, { status: readiness() });
      case "/metrics":
        return { status: 200, mediaType: expositionMediaType, text: metrics() };
      default:
        return json(404, { status: "unknown" });
    }
  }
}

function json(status: number, content: object): Answer {
  return { status, mediaType: "application/json", text: JSON.stringify(content) };
}
