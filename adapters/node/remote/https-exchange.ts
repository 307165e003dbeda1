import type { ClientRequest, IncomingHttpHeaders, IncomingMessage } from "node:http";
import { Agent, request as httpsRequest } from "node:https";
import { Readable } from "node:stream";
import { connect, type TLSSocket } from "node:tls";
import { FileError } from "../../../core/errors.ts";
import { limits } from "../../../core/limits.ts";
import type { RemoteDestination } from "../../../core/remote-destination.ts";
import { checkPinned, tlsError, trustOptions } from "./tls-trust.ts";

export interface HttpsRequest {
  readonly method: string;
  /** From the `/` on. */
  readonly target: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: AsyncIterable<Uint8Array> | string | undefined;
}

export interface HttpsAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly content: IncomingMessage;
}

/** Requests to one server, on connections of its own whose certificate is trusted. */
export class HttpsExchange {
  readonly #destination: RemoteDestination;
  readonly #agent: TrustingAgent;
  readonly #requests = new Set<ClientRequest>();

  constructor(destination: RemoteDestination) {
    this.#destination = destination;
    this.#agent = new TrustingAgent(destination);
  }

  /**
   * Resolves with the head of the answer, whatever its status. The caller reads the content to its end or destroys it.
   * @throws FileError `unavailable`, `permission-denied` for a certificate that is not trusted, and of the body
   */
  ask({ method, target, headers = {}, body }: HttpsRequest): Promise<HttpsAnswer> {
    const { address, timeoutMs } = this.#destination;
    return new Promise((resolve, reject) => {
      let failure: unknown;
      const request = httpsRequest({
        host: address.host,
        port: address.port,
        method,
        path: target,
        headers: { ...authorization(this.#destination), ...headers },
        agent: this.#agent,
        timeout: timeoutMs,
      });
      this.#requests.add(request);
      request
        .on("timeout", () => request.destroy(new Error(`no answer within ${timeoutMs / 1000} s`)))
        .on("close", () => this.#requests.delete(request))
        .on("error", (error) => reject(failure instanceof FileError ? failure : tlsError(error)))
        .on("response", (content) => {
          content.on("error", () => {});
          resolve({ status: content.statusCode ?? 0, headers: content.headers, content });
        });
      if (body === undefined || typeof body === "string") {
        request.end(body);
        return;
      }
      const source = Readable.from(body, { objectMode: false });
      source.on("error", (error) => {
        failure = error;
        request.destroy(error);
      });
      request.on("close", () => source.destroy());
      source.pipe(request);
    });
  }

  /** The whole answer as text. @throws FileError `too-large` */
  async text(request: HttpsRequest): Promise<Omit<HttpsAnswer, "content"> & { readonly text: string }> {
    const { status, headers, content } = await this.ask(request);
    const parts: Buffer[] = [];
    let bytes = 0;
    try {
      for await (const part of content) {
        bytes += part.length;
        if (bytes > limits.remoteListingBytes) throw new FileError("too-large", "the destination's answer is too long");
        parts.push(part);
      }
    } catch (error) {
      throw tlsError(error);
    }
    return { status, headers, text: Buffer.concat(parts).toString("utf8") };
  }

  close(): void {
    for (const request of this.#requests) request.destroy(new Error("the connection was closed"));
    this.#agent.destroy();
  }
}

/** Hands out connections only after their certificate was looked at. */
class TrustingAgent extends Agent {
  readonly #destination: RemoteDestination;

  constructor(destination: RemoteDestination) {
    super({ keepAlive: true, maxSockets: 1 });
    this.#destination = destination;
  }

  override createConnection(
    _options: unknown,
    callback?: (error: Error | null, stream: TLSSocket) => void,
  ): null | undefined {
    const destination = this.#destination;
    const { host, port } = destination.address;
    const socket = connect({ ...trustOptions(destination), host, port });
    const fail = (error: Error) => {
      socket.destroy();
      callback?.(error, socket);
    };
    socket.setTimeout(destination.timeoutMs, () => fail(new Error("no connection in time")));
    socket.once("error", fail);
    socket.once("secureConnect", () => {
      socket.off("error", fail);
      socket.setTimeout(0);
      try {
        checkPinned(socket, destination);
        callback?.(null, socket);
      } catch (error) {
        if (error instanceof Error) fail(error);
      }
    });
    return undefined;
  }
}

function authorization({ user, password }: RemoteDestination): Readonly<Record<string, string>> {
  if (password === undefined) return {};
  if (user === undefined) return { authorization: `Bearer ${password}` };
  return { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}` };
}
