import type { Peer } from "../../core/accounting-event.ts";
import { apiTokenPrefix } from "../../core/api-token.ts";
import { FileError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import type { ApiTokens } from "../../service/session/api-tokens.ts";
import type { Connection } from "../../service/session/connection.ts";
import type { OpenSession } from "../../service/session/open-session.ts";
import type { Session } from "../../service/session/session.ts";
import type { TokenSessions } from "../../service/session/token-sessions.ts";
import { parseBasicCredential } from "./basic-credential.ts";
import type { HttpContext } from "./http-context.ts";
import type { Reply } from "./operation.ts";
import { RequestError } from "./request-error.ts";

export type SessionWork = (session: Session) => Promise<Reply>;

/** How clients get in: with a name and a password for one request, the token of a session, or an API token. */
export interface Door {
  readonly openSession: OpenSession;
  readonly tokenSessions: TokenSessions;
  readonly apiTokens: ApiTokens;
  readonly loginWaitMs: (address: string) => Promise<number>;
}

/**
 * Does the work in the session that the Authorization header stands for. With Basic that is a session of its own,
 * which begins and ends with the request, streamed content included. Without credentials there is no session and no
 * event: a client may ask without them to learn the scheme (RFC 7235 §2.1).
 * @throws RequestError `authentication-required`, `authentication-failed`, `too-many-requests`
 */
export async function inSession(door: Door, context: HttpContext, work: SessionWork): Promise<Response> {
  const ended = Promise.withResolvers<never>();
  ended.promise.catch(() => {});
  const disconnect = (reason: string) => ended.reject(new FileError("unavailable", reason));
  const session = await sessionOf(door, context, connectionOf(context, disconnect));
  let reply: Reply | undefined;
  try {
    reply = await Promise.race([ended.promise, work(session)]);
    return reply instanceof Response ? reply : reply.response;
  } finally {
    // A reply that streams keeps its session until the last byte.
    if (reply === undefined || reply instanceof Response) await session.end("user-request");
    else context.env.waitUntil(reply.finished.then(() => session.end("user-request")));
  }
}

export function connectionOf(context: HttpContext, disconnect: (reason: string) => void = () => {}): Connection {
  const clientVersion = context.req.header("user-agent")?.slice(0, limits.httpUserAgentLength);
  return { protocol: "https", peer: context.env.peer, clientVersion, disconnect };
}

async function sessionOf(door: Door, context: HttpContext, connection: Connection): Promise<Session> {
  const authorization = context.req.header("authorization") ?? "";
  const token = /^bearer +(?<token>[\w.~+/=-]+)$/i.exec(authorization.trim())?.groups?.token;
  if (token !== undefined) return resumed(door, context, { connection, token });
  const credential = parseBasicCredential(authorization);
  if (!credential) {
    const detail = "log in with HTTP Basic authentication (RFC 7617), or with a token (RFC 6750)";
    throw new RequestError("authentication-required", detail);
  }
  await refuseAfterFailures(door, context.env.peer);
  const session = door.openSession(connection);
  context.set("sessionId", session.id);
  const accepted = await session.authenticate(credential).catch(async (error: unknown) => {
    await session.end("protocol-error");
    throw await failedLogin(door, context.env.peer, error);
  });
  if (accepted) return session;
  await session.end("user-request");
  throw refusedLogin();
}

async function resumed(
  { tokenSessions, apiTokens }: Door,
  context: HttpContext,
  { connection, token }: { connection: Connection; token: string },
): Promise<Session> {
  const tokens = token.startsWith(apiTokenPrefix) ? apiTokens : tokenSessions;
  const session = await tokens.resume(connection, token);
  context.set("sessionId", session?.id);
  if (session) return session;
  const challenge = { "www-authenticate": 'Bearer realm="ferrygate", error="invalid_token"' };
  throw new RequestError("authentication-failed", "the token is not good, or no longer", challenge);
}

/** @throws RequestError `too-many-requests` for an address that failed to log in too often. */
export async function refuseAfterFailures({ loginWaitMs }: Door, { address }: Peer): Promise<void> {
  const waitMs = await loginWaitMs(address);
  if (waitMs <= 0) return;
  const headers = { "retry-after": `${Math.ceil(waitMs / 1000)}` };
  throw new RequestError("too-many-requests", "too many logins from this address were refused; wait", headers);
}

/** What a login ends with that `error` broke off: others from its address may have failed too often while it waited. */
export async function failedLogin(door: Door, peer: Peer, error: unknown): Promise<unknown> {
  return refuseAfterFailures(door, peer).then(
    () => error,
    (refusal: unknown) => refusal,
  );
}

export function refusedLogin(): RequestError {
  const detail = "the user name or the password is wrong, or the account may not log in";
  return new RequestError("authentication-failed", detail);
}
