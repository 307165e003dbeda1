import { z } from "zod";
import { jsonAnswer, toResponse } from "./answer.ts";
import { type Operation, publicOperation } from "./operation.ts";

export type Readiness = "starting" | "ready" | "draining";

const readinessStatus = z.object({ status: z.enum(["starting", "ready", "draining"]) });

export function healthOperations(readiness: () => Readiness): readonly Operation[] {
  return [
    publicOperation(
      {
        method: "GET",
        path: "/health",
        operationId: "getHealth",
        summary: "Says that the process lives",
        tags: ["health"],
        responses: { 200: { description: "it lives", schema: z.object({ status: z.literal("ok") }) } },
      },
      () => toResponse(jsonAnswer(200, { status: "ok" })),
    ),
    publicOperation(
      {
        method: "GET",
        path: "/ready",
        operationId: "getReadiness",
        summary: "Says whether the server takes requests",
        tags: ["health"],
        responses: {
          200: { description: "it does", schema: readinessStatus },
          503: { description: "it is starting, or finishing what is under way", schema: readinessStatus },
        },
      },
      () => toResponse(jsonAnswer(readiness() === "ready" ? 200 : 503, { status: readiness() })),
    ),
  ];
}
