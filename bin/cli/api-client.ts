import { readFileSync } from "node:fs";
import { ApiClient as HttpApiClient } from "../../client/api-client.ts";
import { ProblemError } from "../../client/problem.ts";
import type { JsonObject } from "../../core/configuration-entry.ts";
import { UsageError } from "./arguments.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** What the server does not do; the message is for the operator. */
export class ApiRefusal extends Error {
  readonly status: number;
  readonly problem: ProblemError["problem"];

  constructor(message: string, status: number, problem: ProblemError["problem"]) {
    super(message);
    this.status = status;
    this.problem = problem;
  }
}

/** A server's API, logged in to. */
export interface ApiClient {
  /** Without a `/` at its end. */
  readonly root: string;
  /** The JSON of the answer; an empty object for none. @throws Error with what the server says */
  ask(method: string, path: string, body?: unknown): Promise<JsonObject>;
  /** Logs out, where this has logged in. */
  close(): Promise<void>;
}

/**
 * With the credentials of the environment: the token of a session or an API token in `FERRYGATE_TOKEN` or in the file
 * that `FERRYGATE_TOKEN_FILE` names, or `FERRYGATE_USERNAME` and `FERRYGATE_PASSWORD`. With a password it logs in once,
 * and out in `close`.
 * @throws UsageError without credentials; Error for the operator when the login fails
 */
export async function openApiClient(url: string, environment: Environment = process.env): Promise<ApiClient> {
  if (!/^https?:$/.test(URL.parse(url)?.protocol ?? "")) throw new UsageError("--url expects an http or https URL");
  const root = url.replace(/\/+$/, "");
  const { token, isOurs } = await tokenOf(root, environment);
  const client = new HttpApiClient({ url: root, credentials: { token } });
  const ask = (method: string, path: string, body?: unknown) => askApi(client, { method, path, body });
  return {
    root,
    ask,
    close: async () => {
      if (isOurs) await ask("DELETE", "/v1/sessions/current");
    },
  };
}

async function tokenOf(root: string, environment: Environment): Promise<{ token: string; isOurs: boolean }> {
  const { FERRYGATE_USERNAME: username, FERRYGATE_PASSWORD: password } = environment;
  const token = environment.FERRYGATE_TOKEN || tokenInFile(environment.FERRYGATE_TOKEN_FILE);
  if (token) return { token, isOurs: false };
  if (!username || !password) {
    throw new UsageError(
      "--url needs FERRYGATE_TOKEN, FERRYGATE_TOKEN_FILE, or FERRYGATE_USERNAME and FERRYGATE_PASSWORD " +
        "in the environment",
    );
  }
  const login = { method: "POST", path: "/v1/sessions", body: { username, password } };
  const issued = await askApi(new HttpApiClient({ url: root }), login);
  return { token: String(issued.token), isOurs: true };
}

function tokenInFile(file: string | undefined): string | undefined {
  if (!file) return undefined;
  let text: string;
  try {
    text = readFileSync(file, "utf8").trim();
  } catch (error) {
    throw new UsageError(`FERRYGATE_TOKEN_FILE cannot be read: ${(error as NodeJS.ErrnoException).code}`);
  }
  // What does not fit into a header field would be quoted in the error, and with it the token.
  if (!/^[\x21-\x7e]+$/.test(text)) throw new UsageError("FERRYGATE_TOKEN_FILE does not hold a token and nothing else");
  return text;
}

interface ApiRequest {
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
}

/** A server that is busy is asked again: see client/retry.ts. */
async function askApi(client: HttpApiClient, { method, path, body }: ApiRequest): Promise<JsonObject> {
  const json = { headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  const response = await client.request(method, path, body === undefined ? {} : json).catch((error: unknown) => {
    throw refusal(`${method} ${path}`, error) ?? new Error(`${client.url} cannot be reached: ${reasonOf(error)}`);
  });
  const text = await response.text();
  try {
    return text === "" ? {} : JSON.parse(text);
  } catch {
    throw new Error(`${method} ${path}: the answer is not that of this API`);
  }
}

/** Of `fetch`, which keeps behind "fetch failed" whether it was the name, the port or the certificate. */
function reasonOf(error: unknown): string {
  let innermost = error;
  while (innermost instanceof Error && innermost.cause instanceof Error) innermost = innermost.cause;
  if (!(innermost instanceof Error)) return `${innermost}`;
  // Where a name has several addresses there is no message, but the code of the first.
  return innermost.message || ("code" in innermost ? `${innermost.code}` : innermost.name);
}

/** What the server says, and what may be done about it; undefined where nobody answered. */
function refusal(request: string, error: unknown): Error | undefined {
  if (!(error instanceof ProblemError)) return undefined;
  const { status, problem } = error;
  const place = problem.field === undefined ? "" : ` (${problem.field})`;
  const hint = status === 403 ? "; the account needs the role, and an API token the scope management" : "";
  const message = `${request}: ${status} ${problem.detail ?? "the answer is not that of this API"}${place}${hint}`;
  return new ApiRefusal(message, status, problem);
}
