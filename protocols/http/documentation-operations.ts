import { z } from "zod";
import { jsonAnswer, toResponse } from "./answer.ts";
import { documentationPage, documentationPolicy } from "./documentation-page.ts";
import { type OpenApiOptions, openApiDocument } from "./openapi.ts";
import { type Operation, publicOperation } from "./operation.ts";

/** `GET /openapi.json` and `GET /docs`, about these operations and themselves. */
export function documentationOperations(
  operations: readonly Operation[],
  options: OpenApiOptions,
): readonly Operation[] {
  let made: ReturnType<typeof openApiDocument> | undefined;
  const document = () => {
    made ??= openApiDocument([...operations, ...own], options);
    return made;
  };
  const own: readonly Operation[] = [
    publicOperation(
      {
        method: "GET",
        path: "/openapi.json",
        operationId: "getOpenApi",
        summary: "This description, as an OpenAPI document",
        tags: ["documentation"],
        responses: { 200: { description: "OpenAPI 3.1", schema: z.record(z.string(), z.unknown()) } },
      },
      () => toResponse(jsonAnswer(200, document())),
    ),
    publicOperation(
      {
        method: "GET",
        path: "/docs",
        operationId: "getDocumentation",
        summary: "This description, for people",
        tags: ["documentation"],
        responses: { 200: { description: "a page without scripts", mediaType: "text/html" } },
      },
      () =>
        toResponse({
          status: 200,
          mediaType: "text/html; charset=utf-8",
          text: documentationPage(document()),
          headers: { "content-security-policy": documentationPolicy, "x-frame-options": "DENY" },
        }),
    ),
  ];
  return own;
}
