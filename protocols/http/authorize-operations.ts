import { z } from "zod";
import { actions } from "../../core/permission.ts";
import type { Authorize } from "../../service/management/authorize.ts";
import { jsonAnswer, toResponse } from "./answer.ts";
import { type Operation, sessionOperation } from "./operation.ts";

const question = z
  .strictObject({
    account: z.string().optional().describe("whose permissions; one's own when absent. Another's needs the role admin"),
    action: z.string().describe(`one of ${actions.join(", ")}`),
    path: z.string().describe("the virtual path, as a client would send it"),
  })
  .meta({ examples: [{ account: "acme", action: "write", path: "/inbox/a.pdf" }] });

const decision = z
  .object({
    effect: z.enum(["allow", "deny"]),
    rule: z.string(),
    account: z.string(),
    action: z.enum(actions),
    path: z.string(),
    objectKey: z.string(),
  })
  .meta({ id: "Decision" });

export function authorizeOperations(authorize: Authorize): readonly Operation[] {
  return [
    sessionOperation(
      {
        method: "POST",
        path: "/v1/authorize",
        operationId: "authorize",
        scope: "authorize",
        summary: "What would be decided about an action, and by which rule",
        description: "Nothing is done and nothing is recorded. `ferrygate explain` says the same.",
        tags: ["management"],
        body: question,
        responses: { 200: { description: "the decision", schema: decision } },
        problems: [404, 413, 415],
      },
      async (session, { body }) => toResponse(jsonAnswer(200, await authorize(session, body))),
    ),
  ];
}
