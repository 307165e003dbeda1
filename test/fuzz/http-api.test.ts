import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { JsonObject, OpenApiDocument, OpenApiOperation, OpenApiParameter } from "../../protocols/http/openapi.ts";
import { managedFile, startManagedApi } from "../protocols/http/managed-rig.ts";
import { basic } from "../protocols/http/rig.ts";

const requestsPerOperation = 40;

/** Texts that parsers and stores have stumbled over. */
const awkwardTexts = [
  "",
  "/",
  "//",
  "/..",
  "/inbox/",
  "/inbox/a.txt",
  "acme",
  "root",
  "partners",
  "*",
  "%",
  "__proto__",
  "constructor",
  "\u0000",
  "\ud800",
  "\u202e",
  "ä".repeat(300),
  "x".repeat(5000),
  "m/(a+)+$/",
  "e/[/",
  `\${USER}`,
  "2026-02-30",
  "9999999999",
  "-1",
  "true",
  'W/"x"',
  "[[[[[[[[",
];

const names = fc.constantFrom("acme", "root", "partners", "new", "newer");

const text = fc.oneof(
  { weight: 3, arbitrary: names },
  { weight: 3, arbitrary: fc.constantFrom(...awkwardTexts) },
  { weight: 2, arbitrary: fc.string({ unit: "binary", maxLength: 30 }) },
  { weight: 1, arbitrary: fc.string({ maxLength: 10 }) },
);

/** Mostly what the schema asks for, and now and then something else. */
function valueFor(schema: JsonObject, document: OpenApiDocument, depth = 0): fc.Arbitrary<unknown> {
  const wrong = { weight: 1, arbitrary: fc.oneof(text, fc.jsonValue({ maxDepth: 2 })) };
  return fc.oneof({ weight: 12, arbitrary: fittingValue(schema, document, depth) }, wrong);
}

function fittingValue(schema: JsonObject, document: OpenApiDocument, depth: number): fc.Arbitrary<unknown> {
  const { $ref, anyOf, examples, const: constant } = schema;
  const options = schema.enum;
  if (typeof $ref === "string") {
    const target = document.components.schemas[$ref.slice($ref.lastIndexOf("/") + 1)];
    return fittingValue(target as JsonObject, document, depth);
  }
  if (Array.isArray(examples)) return fc.oneof(fc.constantFrom(...examples), typedValue(schema, document, depth));
  if (Array.isArray(options)) return fc.constantFrom(...options);
  if (constant !== undefined) return fc.constant(constant);
  if (Array.isArray(anyOf)) return fc.oneof(...anyOf.map((option) => valueFor(option as JsonObject, document, depth)));
  return typedValue(schema, document, depth);
}

function typedValue(schema: JsonObject, document: OpenApiDocument, depth: number): fc.Arbitrary<unknown> {
  const { type, items } = schema;
  const properties = (schema.properties ?? {}) as Readonly<Record<string, JsonObject>>;
  if (type === "boolean") return fc.boolean();
  if (type === "integer" || type === "number") return fc.oneof(fc.integer({ min: -1, max: 2000 }), fc.double());
  if (type === "array") return fc.array(valueFor((items ?? {}) as JsonObject, document, depth + 1), { maxLength: 4 });
  if (type === "string" && schema.pattern !== undefined) return names;
  if (type !== "object") return text;
  const known = Object.entries(properties);
  const members = known.map(([name, member]) => [name, valueFor(member, document, depth + 1)] as const);
  const requiredKeys = (schema.required ?? []) as string[];
  const object = fc.record(Object.fromEntries(members), {
    requiredKeys: requiredKeys.filter((name) => name in properties),
  });
  const free = fc.dictionary(text, text, { maxKeys: 2 });
  return known.length === 0 ? free : fc.oneof({ weight: 6, arbitrary: object }, { weight: 1, arbitrary: free });
}

interface FuzzedRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

function requestOf(path: string, operation: OpenApiOperation, document: OpenApiDocument): fc.Arbitrary<FuzzedRequest> {
  const given = (place: OpenApiParameter["in"]) => {
    const own = operation.parameters.filter((parameter) => parameter.in === place);
    const members = own.map(({ name, schema }) => {
      const value = valueFor(schema, document, 1);
      return [name, place === "header" ? fc.oneof(fc.constantFrom("*", '"x"', "bytes=0-3"), value) : value] as const;
    });
    const requiredKeys = own.filter(({ required }) => required).map(({ name }) => name);
    return fc.record(Object.fromEntries(members), { requiredKeys });
  };
  const content = (operation.requestBody?.content ?? {}) as Readonly<Record<string, { readonly schema: JsonObject }>>;
  const [[mediaType, { schema }] = ["", { schema: {} }]] = Object.entries(content);
  const json = fc.oneof(
    { weight: 12, arbitrary: valueFor(schema, document).map((value) => JSON.stringify(value)) },
    { weight: 1, arbitrary: text },
  );
  const body = mediaType === "" ? fc.constant(undefined) : mediaType.endsWith("json") ? json : text;
  return fc.record({ names: given("path"), query: given("query"), headers: given("header"), body }).map((parts) => ({
    path: pathWith(path, parts.names) + queryText(parts.query),
    headers: headersOf(parts.headers, mediaType),
    body: parts.body,
  }));
}

function pathWith(path: string, names: Readonly<Record<string, unknown>>): string {
  return path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const value = textOf(names[name]);
    return encodeURIComponent(value === "." || value === ".." ? `${value}x` : value);
  });
}

function textOf(value: unknown): string {
  return (typeof value === "object" ? JSON.stringify(value) : `${value}`).toWellFormed();
}

function queryText(query: Readonly<Record<string, unknown>>): string {
  const pairs = Object.entries(query).map(([name, value]) => [name, textOf(value)] as const);
  return pairs.length === 0 ? "" : `?${new URLSearchParams(Object.fromEntries(pairs))}`;
}

function headersOf(given: Readonly<Record<string, unknown>>, mediaType: string): Record<string, string> {
  const usable = Object.entries(given).filter(
    ([, value]) => typeof value === "string" && /^[\x21-\x7e]{1,200}$/.test(value),
  );
  const headers = Object.fromEntries(usable.map(([name, value]) => [name, String(value)]));
  return { ...headers, ...(mediaType !== "" && { "content-type": mediaType }) };
}

test("no request that the document describes, or nearly does, makes the server fail", {
  timeout: 240_000,
}, async (t) => {
  const file = managedFile.replace("roles: [admin],", "roles: [admin], permissions: [[allow-full-control]],");
  const { url, workspace } = await startManagedApi(t, file);
  const document = (await (await fetch(`${url}/openapi.json`)).json()) as OpenApiDocument;
  const statuses = new Map<number, number>();
  // Refused logins make an address wait, so they come last.
  const { "/v1/sessions": logins = {}, ...others } = document.paths;
  const paths = [...Object.entries(others), ["/v1/sessions", logins] as const];
  for (const [path, methods] of paths) {
    for (const [method, operation] of Object.entries(methods)) {
      await fc.assert(
        fc.asyncProperty(requestOf(path, operation, document), async ({ path: target, headers, body }) => {
          const status = await statusOf(`${url}${target}`, {
            method: method.toUpperCase(),
            headers: { authorization: basic("root"), ...headers },
            ...(body !== undefined && { body }),
          });
          statuses.set(status, (statuses.get(status) ?? 0) + 1);
          assert.notEqual(status, 500, JSON.stringify(workspace.runtime.logged.at(-1)));
          assert.ok(status < 500 || status === 503 || status === 507, `${status}`);
        }),
        { numRuns: requestsPerOperation },
      );
    }
  }
  // Requests that were understood, refused for their form, and about what is not there.
  for (const status of [200, 400, 404]) assert.ok(statuses.has(status), `${status} never came`);
});

/** A stream of events has no end: its status is enough. */
async function statusOf(url: string, init: RequestInit): Promise<number> {
  const abort = new AbortController();
  const response = await fetch(url, { ...init, signal: abort.signal });
  if (response.headers.get("content-type")?.startsWith("text/event-stream")) abort.abort();
  else await response.arrayBuffer();
  return response.status;
}
