import { expositionMediaType } from "../../service/metrics/exposition.ts";
import { toResponse } from "./answer.ts";
import { type Operation, publicOperation } from "./operation.ts";

/** @param read the metrics in the text format of Prometheus */
export function metricsOperations(read: () => string): readonly Operation[] {
  return [
    publicOperation(
      {
        method: "GET",
        path: "/metrics",
        operationId: "getMetrics",
        summary: "Numbers about this server, for Prometheus",
        description: "No name of an account, path or address is in it, so it asks for no credentials.",
        tags: ["health"],
        responses: { 200: { description: "text format 0.0.4", mediaType: "text/plain" } },
      },
      () => toResponse({ status: 200, mediaType: expositionMediaType, text: read() }),
    ),
  ];
}
