import { z } from "zod";
import type { TransferDesk } from "../../service/destinations/transfer-desk.ts";
import { jsonAnswer, toResponse } from "./answer.ts";
import { type Operation, sessionOperation } from "./operation.ts";

const instant = z.iso.datetime();

const destinationState = z
  .object({
    name: z.string(),
    url: z.string(),
    enabled: z.boolean(),
    waiting: z.int().describe("pushes that wait for their turn or for their next try"),
    failure: z.object({ at: instant, reason: z.string() }).optional().describe("the last, until a push goes well"),
  })
  .meta({ id: "DestinationState" });

const transferProgress = z
  .object({
    direction: z.enum(["push", "pull"]),
    destination: z.string(),
    account: z.string(),
    path: z.string(),
    remotePath: z.string().describe("below the folder of the destination; empty before that is known"),
    bytes: z.int().optional().describe("of the whole file"),
    movedBytes: z.int(),
    startedAt: instant.describe("of this try"),
    attempts: z.int().describe("this one included"),
  })
  .meta({ id: "TransferProgress" });

const pullRun = z
  .object({
    startedAt: instant,
    endedAt: instant,
    files: z.int().describe("that the pull takes, in the folder"),
    fetched: z.int(),
    known: z.int().describe("fetched at an earlier look"),
    unstable: z.int().describe("still changing"),
    failed: z.int(),
    failure: z.string().optional().describe("why the look as a whole failed"),
    trouble: z
      .object({
        since: instant.describe("when the first look of a row failed"),
        reportedAt: instant.describe("when that went on record last"),
        paths: z.array(z.string()).describe("what could not be read there, up to 20"),
      })
      .optional()
      .describe("while looks fail"),
  })
  .meta({ id: "PullRun" });

const pullState = z
  .object({
    name: z.string(),
    destination: z.string(),
    isRunning: z.boolean(),
    nextRunAt: instant.optional().describe("absent for a pull that is out of force"),
    lastRun: pullRun.optional(),
  })
  .meta({ id: "PullState" });

const transferState = z.object({
  destinations: z.array(destinationState),
  transfers: z.array(transferProgress).describe("what is under way"),
  pulls: z.array(pullState),
});

export function transferOperations(desk: TransferDesk): readonly Operation[] {
  return [stateOperation(desk), runOperation(desk)];
}

function stateOperation(desk: TransferDesk): Operation {
  return sessionOperation(
    {
      method: "GET",
      path: "/v1/transfers",
      operationId: "readTransfers",
      summary: "What is pushed and pulled at this moment, what waits, and how pulls went last",
      tags: ["rules"],
      role: "operator",
      scope: "management",
      responses: { 200: { description: "the state of every destination and pull", schema: transferState } },
    },
    async () => {
      const { destinations, transfers, pulls } = await desk.state();
      const shown = transfers.map(({ startedAtMs, ...progress }) => {
        return { ...progress, startedAt: new Date(startedAtMs).toISOString() };
      });
      return toResponse(jsonAnswer(200, { destinations, transfers: shown, pulls }));
    },
  );
}

function runOperation(desk: TransferDesk): Operation {
  return sessionOperation(
    {
      method: "POST",
      path: "/v1/pulls/{name}/run",
      operationId: "runPull",
      summary: "Lets a pull look now",
      description: "One that is at it is left to it. GET /v1/transfers says how it goes.",
      tags: ["rules"],
      role: "operator",
      scope: "management",
      parameters: z.object({ name: z.string() }),
      responses: { 202: { description: "it looks" } },
      problems: [404, 412],
    },
    async (_session, { parameters: { name } }) => {
      await desk.runPull(name);
      return new Response(null, { status: 202 });
    },
  );
}
