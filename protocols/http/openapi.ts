import { z } from "zod";
import type { Declaration, Operation, ResponseDeclaration } from "./operation.ts";
import { problemCodesOf, problemDocument, titleOf } from "./problem.ts";

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json | undefined };
export type JsonObject = { readonly [name: string]: Json | undefined };

/** An OpenAPI document (3.1), as far as this program makes one. */
export interface OpenApiDocument {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, OpenApiOperation>>>>;
  readonly components: { readonly schemas: JsonObject; readonly securitySchemes: JsonObject };
  readonly [field: string]: unknown;
}

export interface OpenApiOperation {
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string | undefined;
  readonly tags: readonly string[];
  readonly parameters: readonly OpenApiParameter[];
  readonly requestBody?: JsonObject | undefined;
  readonly responses: Readonly<Record<string, JsonObject>>;
  readonly security?: readonly JsonObject[] | undefined;
}

export interface OpenApiParameter {
  readonly name: string;
  readonly in: "path" | "query" | "header";
  readonly required: boolean;
  readonly description?: string | undefined;
  readonly schema: JsonObject;
}

export interface OpenApiOptions {
  readonly version: string;
  /** Schemas by their id, for those that zod does not know in full. */
  readonly schemas: Readonly<Record<string, JsonObject>>;
}

const description = `Managed file transfer: the same files, accounts and record as over SFTP and FTPS.

Log in with \`POST /v1/sessions\` and send the token as \`Authorization: Bearer TOKEN\`, or send a name and a
password with every request (HTTP Basic). Programs log in with a token of \`POST /v1/api-tokens\`.

What goes wrong is answered as \`application/problem+json\`, where \`code\` is stable.`;

/** Describes the operations, from the schemas that check their requests. */
export function openApiDocument(operations: readonly Operation[], options: OpenApiOptions): OpenApiDocument {
  const schemas = new SchemaCollection(options.schemas);
  const paths: Record<string, Record<string, OpenApiOperation>> = {};
  for (const operation of operations) {
    const methods = paths[operation.path] ?? {};
    methods[operation.method.toLowerCase()] = described(operation, schemas);
    paths[operation.path] = methods;
  }
  schemas.referenceTo(problemDocument, "output");
  return {
    openapi: "3.1.0",
    info: {
      title: "Ferrygate",
      version: options.version,
      description,
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    } as OpenApiDocument["info"],
    servers: [{ url: "/" }],
    security: [{ bearer: [] }, { basic: [] }],
    paths,
    components: {
      schemas: schemas.all,
      securitySchemes: {
        bearer: { type: "http", scheme: "bearer", description: "the token of a session, or an API token" },
        basic: { type: "http", scheme: "basic", description: "name and password, RFC 7617" },
      },
    },
  };
}

function described(operation: Operation, schemas: SchemaCollection): OpenApiOperation {
  const { operationId, summary, tags, access } = operation;
  const text = [operation.description, ...needsOf(operation)].filter((part) => part !== undefined).join(" ");
  return {
    operationId,
    summary,
    ...(text !== "" && { description: text }),
    tags,
    ...(access === "public" && { security: [] }),
    parameters: parametersOf(operation),
    ...(operation.body !== undefined && { requestBody: requestBody(operation, schemas) }),
    responses: { ...successes(operation, schemas), ...problems(operation, schemas) },
  };
}

function needsOf({ access, role, scope }: Operation): string[] {
  if (access === "public") return [];
  const roleNote = role === undefined ? [] : [`Needs the role \`${role}\`.`];
  const scopeNote = scope === undefined ? "API tokens may not do this." : `API tokens need the scope \`${scope}\`.`;
  return [...roleNote, scopeNote];
}

function parametersOf({ parameters, query, headers = {} }: Declaration): OpenApiParameter[] {
  return [
    ...parametersIn("path", parameters),
    ...parametersIn("query", query),
    ...Object.entries(headers).map(([name, about]): OpenApiParameter => {
      return { name, in: "header", required: false, description: about, schema: { type: "string" } };
    }),
  ];
}

function parametersIn(place: "path" | "query", object: z.ZodObject | undefined): OpenApiParameter[] {
  if (!object) return [];
  const { properties = {}, required = [] } = z.toJSONSchema(object, { io: "input", unrepresentable: "any" });
  return Object.entries(properties).map(([name, property]): OpenApiParameter => {
    const { description: about, ...schema } = property as JsonObject & { description?: string };
    const isRequired = place === "path" || required.includes(name);
    return { name, in: place, required: isRequired, ...(about !== undefined && { description: about }), schema };
  });
}

function requestBody({ body }: Declaration, schemas: SchemaCollection): JsonObject {
  if (body === "stream" || body === undefined) {
    return { required: true, content: { "application/octet-stream": { schema: {} } } };
  }
  const isOptional = body.safeParse(undefined).success;
  return { required: !isOptional, content: { "application/json": { schema: schemas.referenceTo(body, "input") } } };
}

function successes({ responses }: Declaration, schemas: SchemaCollection): Record<string, JsonObject> {
  const entries = Object.entries(responses).map(([status, response]) => [status, success(response, schemas)] as const);
  return Object.fromEntries(entries);
}

function success(response: ResponseDeclaration, schemas: SchemaCollection): JsonObject {
  const { schema, mediaType = schema && "application/json", otherMediaTypes = [], headers = {} } = response;
  const content = [
    ...(mediaType === undefined ? [] : [[mediaType, { schema: schema ? schemas.referenceTo(schema, "output") : {} }]]),
    ...otherMediaTypes.map((other) => [other, { schema: {} }]),
  ];
  const described = Object.entries(headers).map(([name, about]) => [
    name,
    { description: about, schema: { type: "string" } },
  ]);
  return {
    description: response.description,
    ...(content.length > 0 && { content: Object.fromEntries(content) }),
    ...(described.length > 0 && { headers: Object.fromEntries(described) }),
  };
}

function problems(operation: Operation, schemas: SchemaCollection): Record<string, JsonObject> {
  const everywhere = operation.access === "public" ? [400, 500, 503] : [400, 401, 403, 429, 500, 503];
  const statuses = [...new Set([...everywhere, ...(operation.problems ?? [])])].filter(
    (status) => operation.responses[status] === undefined,
  );
  const problem = (about: string): JsonObject => ({
    description: about,
    content: { "application/problem+json": { schema: schemas.referenceTo(problemDocument, "output") } },
  });
  const entries = statuses
    .sort((a, b) => a - b)
    .map((status) => [`${status}`, problem(`${titleOf(status)}: ${problemCodesOf(status).join(", ")}`)] as const);
  return { ...Object.fromEntries(entries), default: problem("Any other problem") };
}

/** Schemas with an id stand once in the document, and everything else refers to them. */
class SchemaCollection {
  readonly #given: Readonly<Record<string, JsonObject>>;
  readonly #collected: Record<string, JsonObject> = {};

  constructor(given: Readonly<Record<string, JsonObject>>) {
    this.#given = given;
  }

  get all(): JsonObject {
    const names = Object.keys(this.#collected).sort();
    return Object.fromEntries(names.map((name) => [name, this.#collected[name]]));
  }

  /** The schema, or a reference to it where it has an id. */
  referenceTo(schema: z.ZodType, io: "input" | "output"): JsonObject {
    const converted = z.toJSONSchema(schema, { io, unrepresentable: "any" }) as unknown as JsonObject;
    const { $schema, $defs = {}, ...rest } = converted;
    for (const [id, definition] of Object.entries($defs as Readonly<Record<string, JsonObject>>)) {
      this.#keep(id, definition);
    }
    const { id } = schema.meta() ?? {};
    return id === undefined ? (withReferences(rest) as JsonObject) : this.#keep(id, rest);
  }

  #keep(id: string, definition: JsonObject): JsonObject {
    const { id: _, ...own } = definition;
    this.#collected[id] ??= { ...(withReferences(own) as JsonObject), ...this.#given[id] };
    return { $ref: `#/components/schemas/${id}` };
  }
}

function withReferences(value: Json | undefined): Json | undefined {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((item: Json) => withReferences(item) ?? null);
  const members = Object.entries(value as JsonObject).map(([name, member]) =>
    name === "$ref" && typeof member === "string"
      ? ([name, member.replace("#/$defs/", "#/components/schemas/")] as const)
      : ([name, withReferences(member)] as const),
  );
  return Object.fromEntries(members);
}
