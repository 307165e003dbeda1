import { type Operations, routes } from "./operations.ts";
import { problemOf } from "./problem.ts";
import type { RequestContent } from "./request-content.ts";
import { defaultRetryPolicy, type RetryPolicy, withRetries } from "./retry.ts";

export type OperationId = keyof Operations;

/** What an operation takes: `parameters` of its path, `query`, `headers`, `body`, as far as it has them. */
export type Input<Id extends OperationId> = Omit<Operations[Id], "answers">;

type Answers<Id extends OperationId> = Operations[Id]["answers"];

/** One of the operation's answers. A content that is not JSON is a stream, which is to be read or cancelled. */
export type Answer<Id extends OperationId> = {
  readonly [Status in keyof Answers<Id>]: {
    readonly status: Status;
    readonly headers: Headers;
    readonly body: Answers<Id>[Status];
  };
}[keyof Answers<Id>];

/** Who makes the requests: the token of a session or an API token, or a name and a password with every request. */
export type Credentials = { readonly token: string } | { readonly username: string; readonly password: string };

export interface ApiClientOptions {
  /** Of the server, with what stands before `/v1`. */
  readonly url: string;
  readonly credentials?: Credentials | undefined;
  readonly retry?: Partial<RetryPolicy> | undefined;
  readonly fetch?: typeof fetch | undefined;
}

interface AnyInput {
  readonly parameters?: Readonly<Record<string, unknown>>;
  readonly query?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly body?: unknown;
}

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

type InputArguments<Id extends OperationId> =
  Record<never, never> extends Input<Id>
    ? [input?: Input<Id>, options?: CallOptions]
    : [input: Input<Id>, options?: CallOptions];

/** The HTTP API, operation by operation, on `fetch`. */
export class ApiClient {
  readonly url: string;
  readonly #options: ApiClientOptions;
  readonly #retry: RetryPolicy;

  constructor(options: ApiClientOptions) {
    this.url = options.url.replace(/\/+$/, "");
    this.#options = options;
    this.#retry = { ...defaultRetryPolicy, ...options.retry };
  }

  /** The same server with other credentials. */
  as(credentials: Credentials | undefined): ApiClient {
    return new ApiClient({ ...this.#options, credentials });
  }

  /**
   * Performs an operation. Requests that the server could not take are sent again (see retry.ts), except those whose
   * content is a stream. @throws ProblemError for every answer that is no success; what `fetch` throws
   */
  async call<Id extends OperationId>(operationId: Id, ...[input, options]: InputArguments<Id>): Promise<Answer<Id>> {
    const { method, path } = routes[operationId];
    const { parameters = {}, query = {}, headers = {}, body }: AnyInput = input ?? {};
    const target = `${pathOf(path, parameters)}${queryOf(query)}`;
    const response = await this.request(method, target, {
      ...contentOf(method, body, headers),
      signal: options?.signal ?? null,
    });
    // The server answers as its document says, which a test of this client's types holds against it.
    return { status: response.status, headers: response.headers, body: await bodyOf(response) } as Answer<Id>;
  }

  /** Any request, for what is no operation: a URL of the server's own. @throws as `call` */
  async request(method: string, target: string, init: RequestInit = {}): Promise<Response> {
    const { fetch: send = fetch, credentials } = this.#options;
    const headers = new Headers(init.headers);
    if (credentials && !headers.has("authorization")) headers.set("authorization", authorizationOf(credentials));
    const isStream = init.body instanceof ReadableStream;
    const whole = { ...init, method, headers, ...(isStream && { duplex: "half" }) } as RequestInit;
    const attempt = {
      send: () => send(this.url + target, whole),
      isIdempotent: method !== "POST",
      isRepeatable: !isStream,
      signal: init.signal ?? undefined,
    };
    const response = await withRetries(attempt, this.#retry);
    if (response.ok || response.status === notModified) return response;
    throw await problemOf(response);
  }
}

const notModified = 304;

function pathOf(template: string, parameters: Readonly<Record<string, unknown>>): string {
  return template.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(`${parameters[name]}`));
}

/** What is undefined is left out; a list is the same name several times. */
function queryOf(query: Readonly<Record<string, unknown>>): string {
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value])
      .filter((each) => each !== undefined)
      .map((each) => `${encodeURIComponent(name)}=${encodeURIComponent(`${each}`)}`),
  );
  return pairs.length === 0 ? "" : `?${pairs.join("&")}`;
}

function contentOf(method: string, body: unknown, given: Readonly<Record<string, string | undefined>>): RequestInit {
  const headers = new Headers();
  for (const [name, value] of Object.entries(given)) if (value !== undefined) headers.set(name, value);
  if (body === undefined) return { headers };
  if (method === "PUT" && !isPlain(body)) return { headers, body: body as RequestContent };
  headers.set("content-type", "application/json");
  return { headers, body: JSON.stringify(body) };
}

/** What is to be sent as JSON, and no content of a file. */
function isPlain(body: unknown): boolean {
  return typeof body === "object" && body !== null && Object.getPrototypeOf(body) === Object.prototype;
}

async function bodyOf(response: Response): Promise<unknown> {
  const mediaType = response.headers.get("content-type")?.split(";")[0];
  if (mediaType === "application/json") return response.json();
  return response.body === null || response.status === notModified ? undefined : response.body;
}

function authorizationOf(credentials: Credentials): string {
  if ("token" in credentials) return `Bearer ${credentials.token}`;
  const bytes = new TextEncoder().encode(`${credentials.username}:${credentials.password}`);
  return `Basic ${btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""))}`;
}
