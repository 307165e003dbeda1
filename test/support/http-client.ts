import assert from "node:assert/strict";
import { password } from "./product.ts";

/** An answer that is no success, with what the problem document says. */
export class ProblemError extends Error {
  readonly status: number;
  readonly problem: Readonly<Record<string, unknown>>;

  constructor(status: number, problem: Readonly<Record<string, unknown>>) {
    super(`${status} ${problem.code}: ${problem.detail}`);
    this.status = status;
    this.problem = problem;
  }
}

export interface HttpClient {
  readonly token: string;
  /** @throws ProblemError */
  request(method: string, target: string, init?: RequestInit): Promise<Response>;
  /** A request for `/v1/files`. @throws ProblemError */
  files(method: string, path: string, init?: RequestInit): Promise<Response>;
  operate(operation: Readonly<Record<string, unknown>>): Promise<Response>;
  logout(): Promise<void>;
}

/** Logs in with `POST /v1/sessions`, as an integrator's program does. */
export async function connectHttp(url: string, username: string, secret = password): Promise<HttpClient> {
  const body = JSON.stringify({ username, password: secret });
  const headers = { "content-type": "application/json" };
  const answer = await accepted(await fetch(`${url}/v1/sessions`, { method: "POST", headers, body }));
  assert.equal(answer.status, 201);
  const { token } = (await answer.json()) as { token: string };
  const request = async (method: string, target: string, init: RequestInit = {}) => {
    const authorized = { authorization: `Bearer ${token}`, ...(init.headers as Record<string, string>) };
    return accepted(await fetch(url + target, { ...init, method, headers: authorized }));
  };
  return {
    token,
    request,
    files: (method, path, init) => request(method, `/v1/files?path=${encodeURIComponent(path)}`, init),
    operate: (operation) => request("POST", "/v1/operations", { headers, body: JSON.stringify(operation) }),
    logout: async () => void (await request("DELETE", "/v1/sessions/current")),
  };
}

async function accepted(response: Response): Promise<Response> {
  if (response.status < 400) return response;
  throw new ProblemError(response.status, (await response.json()) as Record<string, unknown>);
}
