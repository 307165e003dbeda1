import type { ApiClient, Input } from "../../client/api-client.ts";
import { login, logout } from "../../client/session.ts";
import { password } from "./product.ts";

export interface HttpClient {
  readonly token: string;
  /** Operation by operation. */
  readonly api: ApiClient;
  /** @throws ProblemError */
  request(method: string, target: string, init?: RequestInit): Promise<Response>;
  /** A request for `/v1/files`. @throws ProblemError */
  files(method: string, path: string, init?: RequestInit): Promise<Response>;
  operate(operation: Input<"moveFile">["body"]): Promise<void>;
  logout(): Promise<void>;
}

/** Logs in with `POST /v1/sessions`, as an integrator's program does. */
export async function connectHttp(url: string, username: string, secret = password): Promise<HttpClient> {
  // What a test sends it sends once, so that it sees every answer.
  const api = await login({ url, username, password: secret, retry: { attempts: 1 } });
  return {
    token: api.token,
    api,
    request: (method, target, init) => api.request(method, target, init),
    files: (method, path, init) => api.request(method, `/v1/files?path=${encodeURIComponent(path)}`, init),
    operate: async (body) => void (await api.call("moveFile", { body })),
    logout: () => logout(api),
  };
}
