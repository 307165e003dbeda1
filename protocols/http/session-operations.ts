import { z } from "zod";
import { limits } from "../../core/limits.ts";
import { jsonAnswer, toResponse } from "./answer.ts";
import { connectionOf, type Door, failedLogin, refuseAfterFailures, refusedLogin } from "./in-session.ts";
import { type Operation, publicOperation, sessionOperation } from "./operation.ts";
import { RequestError } from "./request-error.ts";
import { text } from "./request-input.ts";

const login = z.strictObject({ username: text(limits.httpLoginBytes), password: text(limits.passwordBytes) });
const issuedToken = z.object({ token: z.string(), expiresAt: z.iso.datetime() });

export function sessionOperations(door: Door): readonly Operation[] {
  return [
    publicOperation(
      {
        method: "POST",
        path: "/v1/sessions",
        operationId: "startSession",
        summary: "Log in: a token for the requests to come",
        description: "Send it as `Authorization: Bearer TOKEN`.",
        tags: ["sessions"],
        body: login,
        bodyBytes: limits.httpLoginBytes,
        responses: { 201: { description: "the token, and when it expires", schema: issuedToken } },
        problems: [401, 413, 415, 429],
      },
      async ({ body, context }) => {
        await refuseAfterFailures(door, context.env.peer);
        const credential = { kind: "password", ...body } as const;
        const issued = await door.tokenSessions
          .start(connectionOf(context), credential)
          .catch(async (error: unknown) => {
            throw await failedLogin(door, context.env.peer, error);
          });
        if (!issued) throw refusedLogin();
        const { token, expiresAtMs } = issued;
        return toResponse(jsonAnswer(201, { token, expiresAt: new Date(expiresAtMs).toISOString() }));
      },
    ),
    sessionOperation(
      {
        method: "DELETE",
        path: "/v1/sessions/current",
        operationId: "endSession",
        summary: "Log out: the token is refused from here on",
        tags: ["sessions"],
        responses: { 204: { description: "the session has ended" } },
        problems: [404],
      },
      async (session) => {
        if (await door.tokenSessions.end(session.id)) return new Response(null, { status: 204 });
        throw new RequestError("not-found", "this request has no session of a token to end");
      },
    ),
  ];
}
