import { ApiClient, type ApiClientOptions } from "./api-client.ts";

export interface Login extends Omit<ApiClientOptions, "credentials"> {
  readonly username: string;
  readonly password: string;
}

/** Logs in with `POST /v1/sessions`. Answers a client with the session's token. @throws ProblemError 401, 429 */
export async function login({
  username,
  password,
  ...options
}: Login): Promise<ApiClient & { readonly token: string }> {
  const { body } = await new ApiClient(options).call("startSession", { body: { username, password } });
  const { token } = body;
  return Object.assign(new ApiClient({ ...options, credentials: { token } }), { token });
}

/** The token is refused from here on. */
export async function logout(client: ApiClient): Promise<void> {
  await client.call("endSession");
}
