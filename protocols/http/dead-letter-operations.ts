import { z } from "zod";
import { limits } from "../../core/limits.ts";
import type { DeadLetterDesk } from "../../service/consume/dead-letter-desk.ts";
import { jsonAnswer, toResponse } from "./answer.ts";
import { accountingEvent } from "./event-operations.ts";
import { type Operation, sessionOperation } from "./operation.ts";
import { queryInteger } from "./request-input.ts";

const deadLetter = z
  .object({
    id: z.string(),
    consumer: z.string().describe("who gave the event up: dispatch, alerts"),
    event: accountingEvent,
    reason: z.string(),
    attempts: z.int().describe("how often it was tried, replays included"),
    failedAt: z.iso.datetime(),
  })
  .meta({ id: "DeadLetter" });

const mostLetters = limits.deadLetterPageEntries;

export function deadLetterOperations(desk: DeadLetterDesk): readonly Operation[] {
  return [listOperation(desk), replayOperation(desk)];
}

function listOperation(desk: DeadLetterDesk): Operation {
  return sessionOperation(
    {
      method: "GET",
      path: "/v1/dead-letters",
      operationId: "listDeadLetters",
      scope: "management",
      summary: "Events that a rule could not deal with, with the reason",
      tags: ["rules"],
      role: "operator",
      query: z.object({
        limit: queryInteger(1, mostLetters).optional().describe(`letters on a page, 1 to ${mostLetters}`),
        cursor: z.string().optional().describe("from the page before"),
      }),
      responses: {
        200: {
          description: "the letters, and the cursor of the next page if there is one",
          schema: z.object({ deadLetters: z.array(deadLetter), cursor: z.string().optional() }),
        },
      },
    },
    async (_session, { query: { limit = limits.deadLetterPageDefaultEntries, cursor: after } }) => {
      const { letters, next } = await desk.list({ limit, after });
      return toResponse(jsonAnswer(200, { deadLetters: letters, cursor: next }));
    },
  );
}

function replayOperation(desk: DeadLetterDesk): Operation {
  return sessionOperation(
    {
      method: "POST",
      path: "/v1/dead-letters/{id}/replay",
      operationId: "replayDeadLetter",
      scope: "management",
      summary: "Tries a dead letter again, once, by the rules in force",
      description: "Steps that were done are not done again. A letter that is dealt with is gone.",
      tags: ["rules"],
      role: "operator",
      parameters: z.object({ id: z.string() }),
      responses: {
        200: {
          description: "what became of it: ok, queued for a destination, or the reason why it still waits",
          schema: z.object({ ok: z.boolean(), queued: z.literal(true).optional(), reason: z.string().optional() }),
        },
      },
      problems: [404],
    },
    async (_session, { parameters: { id } }) => toResponse(jsonAnswer(200, await desk.replay(id))),
  );
}
