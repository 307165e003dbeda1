/**
 * Makes the types of client/ from an OpenAPI document: `node_modules/.bin/node scripts/client-types.ts URL`, with the
 * URL of a server that runs, and `npm run format` behind it. A test compares them with the document of this version.
 */
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

/** JSON Schema, as far as the document uses it. */
interface Schema {
  readonly $ref?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly items?: Schema | false;
  readonly prefixItems?: readonly Schema[];
}

type Content = Readonly<Record<string, { readonly schema?: Schema }>>;

interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly parameters: readonly {
    readonly name: string;
    readonly in: string;
    readonly required: boolean;
    readonly schema: Schema;
  }[];
  readonly requestBody?: { readonly required: boolean; readonly content: Content };
  readonly responses: Readonly<Record<string, { readonly content?: Content }>>;
}

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

const origin =
  "// Made by scripts/client-types.ts from the OpenAPI document. Change the operations, not this file.\n\n";

/** The files of client/ that follow from the document, by name, not yet formatted. */
export function clientTypes(document: object): Readonly<Record<string, string>> {
  const { paths, components } = document as Document;
  const schemas = Object.entries(components.schemas).map(([name, schema]) => declaration(name, schema));
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  );
  const types = operations.map(({ operation }) => operationType(operation));
  const routes = operations.map(
    ({ path, method, operation }) => `${operation.operationId}: { method: "${method}", path: "${path}" },`,
  );
  const used = Object.keys(components.schemas).filter((name) => types.some((text) => mentions(text, name)));
  return {
    "schemas.ts": `${origin}${schemas.join("\n")}export type ProblemCode = Problem["code"];\n`,
    "operations.ts": `${origin}import type { RequestContent } from "./request-content.ts";
import type { ${used.join(", ")} } from "./schemas.ts";\n
/** What each operation takes and answers, by its operationId. \`answers\` has the content of each status. */
export interface Operations {\n${types.join("\n")}\n}\n
/** Where each operation is. */
export const routes = {\n${routes.join("\n")}\n} as const satisfies Readonly<
Record<keyof Operations, { readonly method: string; readonly path: string }>>;\n`,
  };
}

function mentions(text: string, name: string): boolean {
  return new RegExp(`\\b${name}\\b`).test(text);
}

function declaration(name: string, schema: Schema): string {
  const type = typeOf(schema);
  return schema.properties && type.startsWith("{")
    ? `export interface ${name} ${type}\n`
    : `export type ${name} = ${type};\n`;
}

function operationType({ operationId, summary, parameters, requestBody, responses }: Operation): string {
  const groups = [
    ["parameters", "path"],
    ["query", "query"],
    ["headers", "header"],
  ].map(([member = "", place]) => {
    const own = parameters.filter((parameter) => parameter.in === place);
    const required = own.filter((parameter) => parameter.required).map(({ name }) => name);
    const properties = Object.fromEntries(own.map(({ name, schema }) => [name, schema]));
    return own.length === 0 ? "" : property(member, typeOf({ type: "object", properties, required }), required[0]);
  });
  const body = requestBody ? property("body", requestType(requestBody.content), requestBody.required) : "";
  const answers = Object.entries(responses)
    .filter(([status]) => /^[23]/.test(status))
    .map(([status, { content }]) => `readonly ${status}: ${answerType(content)};`);
  const members = [...groups, body, `readonly answers: { ${answers.join(" ")} };`].filter((text) => text !== "");
  return `/** ${summary} */\nreadonly ${operationId}: {\n${members.join("\n")}\n};`;
}

function property(name: string, type: string, required: unknown): string {
  return `readonly ${/^\w+$/.test(name) ? name : `"${name}"`}${required ? "" : "?"}: ${type};`;
}

function requestType(content: Content): string {
  const json = content["application/json"];
  return json ? typeOf(json.schema ?? {}) : "RequestContent";
}

function answerType(content: Content | undefined): string {
  const forms = Object.entries(content ?? {}).map(([mediaType, { schema }]) =>
    mediaType === "application/json" ? typeOf(schema ?? {}) : "ReadableStream<Uint8Array>",
  );
  return forms.length === 0 ? "undefined" : union(forms);
}

function union(types: readonly string[]): string {
  return [...new Set(types)].join(" | ");
}

function typeOf(schema: Schema): string {
  if (schema.$ref !== undefined) return schema.$ref.slice(schema.$ref.lastIndexOf("/") + 1);
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return enumType(schema.enum);
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return union(choices.map(typeOf));
  if (Array.isArray(schema.type)) return union(schema.type.map((type: string) => typeOf({ ...schema, type })));
  return typeOfOne(schema);
}

/** What a query writes as `true` and `false` is a boolean to whoever calls. */
function enumType(values: readonly unknown[]): string {
  const texts = values.map((value) => JSON.stringify(value));
  return texts.join() === '"true","false"' ? "boolean" : union(texts);
}

function typeOfOne(schema: Schema): string {
  switch (schema.type) {
    case "object":
      return objectType(schema);
    case "array":
      return arrayType(schema);
    case "integer":
      return "number";
    case "string":
    case "number":
    case "boolean":
    case "null":
      return schema.type;
    default:
      return "unknown";
  }
}

function objectType({ properties, required = [], additionalProperties }: Schema): string {
  if (!properties) {
    const value = typeof additionalProperties === "object" ? typeOf(additionalProperties) : "unknown";
    return `{ readonly [name: string]: ${value} }`;
  }
  const members = Object.entries(properties).map(([name, schema]) =>
    property(name, typeOf(schema), required.includes(name)),
  );
  return `{ ${members.join(" ")} }`;
}

function arrayType({ items, prefixItems }: Schema): string {
  const rest = items ? `readonly ${elementType(items)}[]` : "readonly unknown[]";
  if (!prefixItems) return rest;
  const first = prefixItems.map(typeOf);
  return `readonly [${[...first, ...(items ? [`...${elementType(items)}[]`] : [])].join(", ")}]`;
}

function elementType(items: Schema): string {
  const type = typeOf(items);
  return / \| |^readonly /.test(type) && !type.startsWith("{") ? `(${type})` : type;
}

if (import.meta.main) {
  const [url = ""] = process.argv.slice(2);
  const response = await fetch(`${url}/openapi.json`);
  for (const [name, text] of Object.entries(clientTypes((await response.json()) as object))) {
    await writeFile(fileURLToPath(new URL(`../client/${name}`, import.meta.url)), text);
  }
}
