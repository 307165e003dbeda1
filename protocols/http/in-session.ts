import type { Context } from "hono";
import type { Peer } from "../../core/accounting-event.ts";
import type { Credential } from "../../core/credential.ts";
import { FileError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import type { OpenSession } from "../../service/session/open-session.ts";
import type { Session } from "../../service/session/session.ts";
import { toResponse } from "./answer.ts";
import { parseBasicCredential } from "./basic-credential.ts";
import { problemAnswer } from "./problem.ts";

/** What hono carries along with a request. */
export interface HttpEnvironment {
  readonly Bindings: { readonly peer: Peer };
  readonly Variables: { sessionId: string | undefined };
}

export type HttpContext = Context<HttpEnvironment>;
export type Handler = (context: HttpContext) => Response | Promise<Response>;
export type SessionWork = (session: Session, context: HttpContext) => Promise<Response>;

/**
 * A handler that does its work in a session of its own, which begins and ends with the request. Without credentials
 * there is no session and no event: a client may ask without them to learn the scheme (RFC 7235 §2.1).
 */
export function inSession(openSession: OpenSession, work: SessionWork): Handler {
  return async (context) => {
    const credential = parseBasicCredential(context.req.header("authorization") ?? "");
    if (!credential) return refuse("authentication-required", "log in with HTTP Basic authentication (RFC 7617)");
    const ended = Promise.withResolvers<never>();
    ended.promise.catch(() => {});
    const session = openSession({
      protocol: "https",
      peer: context.env.peer,
      clientVersion: context.req.header("user-agent")?.slice(0, limits.httpUserAgentLength),
      disconnect: (reason) => ended.reject(new FileError("unavailable", reason)),
    });
    context.set("sessionId", session.id);
    try {
      return await Promise.race([
        ended.promise,
        authenticateAndWork(session, credential, () => work(session, context)),
      ]);
    } finally {
      await session.end("user-request");
    }
  };
}

async function authenticateAndWork(
  session: Session,
  credential: Credential,
  work: () => Promise<Response>,
): Promise<Response> {
  if (await session.authenticate(credential)) return work();
  return refuse("authentication-failed", "the user name or the password is wrong, or the account may not log in");
}

function refuse(code: "authentication-required" | "authentication-failed", detail: string): Response {
  return toResponse(problemAnswer({ code, detail }));
}
