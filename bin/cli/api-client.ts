import type { JsonObject } from "../../core/configuration-entry.ts";
import { UsageError } from "./arguments.ts";

type Environment = Readonly<Record<string, string | undefined>>;

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
 * With the credentials of the environment: `FERRYGATE_TOKEN`, or `FERRYGATE_USERNAME` and `FERRYGATE_PASSWORD`. With a
 * password it logs in once, and out in `close`.
 * @throws UsageError without credentials; Error for the operator when the login fails
 */
export async function openApiClient(url: string, environment: Environment = process.env): Promise<ApiClient> {
  if (!/^https?:$/.test(URL.parse(url)?.protocol ?? "")) throw new UsageError("--url expects an http or https URL");
  const root = url.replace(/\/+$/, "");
  const { token, isOurs } = await tokenOf(root, environment);
  const ask = (method: string, path: string, body?: unknown) => askApi({ root, token, method, path, body });
  return {
    root,
    ask,
    close: async () => {
      if (isOurs) await ask("DELETE", "/v1/sessions/current");
    },
  };
}

async function tokenOf(root: string, environment: Environment): Promise<{ token: string; isOurs: boolean }> {
  const { FERRYGATE_TOKEN: token, FERRYGATE_USERNAME: username, FERRYGATE_PASSWORD: password } = environment;
  if (token) return { token, isOurs: false };
  if (!username || !password) {
    throw new UsageError(
      "--url needs FERRYGATE_USERNAME and FERRYGATE_PASSWORD, or FERRYGATE_TOKEN, in the environment",
    );
  }
  const login = { root, token: undefined, method: "POST", path: "/v1/sessions", body: { username, password } };
  const issued = await askApi(login);
  return { token: String(issued.token), isOurs: true };
}

interface ApiRequest {
  readonly root: string;
  readonly token: string | undefined;
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
}

async function askApi({ root, token, method, path, body }: ApiRequest): Promise<JsonObject> {
  const response = await fetch(root + path, {
    method,
    headers: {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { "content-type": "application/json" }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  }).catch((cause: unknown) => {
    throw new Error(`${root} cannot be reached`, { cause });
  });
  const text = await response.text();
  const answer = parsed(text);
  if (response.ok) return answer;
  const place = typeof answer.field === "string" ? ` (${answer.field})` : "";
  throw new Error(`${method} ${path}: ${response.status} ${String(answer.detail ?? "")}${place}`);
}

function parsed(text: string): JsonObject {
  try {
    return text === "" ? {} : JSON.parse(text);
  } catch {
    return { detail: "the answer is not that of this API" };
  }
}
