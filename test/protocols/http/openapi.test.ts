import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { Validator } from "@seriousme/openapi-schema-validator";
import type { OpenApiDocument } from "../../../protocols/http/openapi.ts";
import { startApi } from "./rig.ts";

async function documentOf(url: string): Promise<OpenApiDocument> {
  return (await (await fetch(`${url}/openapi.json`)).json()) as OpenApiDocument;
}

test("the document is valid OpenAPI 3.1, and every reference in it leads somewhere", async (t) => {
  const { url, events } = await startApi(t);
  const document = await documentOf(url);
  const { valid, errors } = await new Validator().validate(structuredClone(document));
  assert.ok(valid, JSON.stringify(errors));
  const text = JSON.stringify(document);
  for (const [, id = ""] of text.matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
    assert.ok(document.components.schemas[id], id);
  }
  assert.deepEqual(text.match(/#\/\$defs/g), null);
  assert.deepEqual(events, [], "reading it leaves no event");
});

test("every operation has a unique name, a summary, a tag and its problems", async (t) => {
  const { url } = await startApi(t);
  const document = await documentOf(url);
  const operations = Object.values(document.paths).flatMap((methods) => Object.values(methods));
  const names = operations.map(({ operationId }) => operationId);
  assert.equal(new Set(names).size, names.length);
  for (const { operationId, summary, tags, responses, security } of operations) {
    assert.ok(summary.length > 0 && tags.length > 0, operationId);
    const expected = security === undefined ? ["400", "401", "403", "500", "503", "default"] : ["500", "default"];
    for (const status of expected) assert.ok(responses[status], `${operationId} ${status}`);
  }
  for (const name of ["putAccount", "readEvents", "followEvents", "authorize", "getFile", "startSession"]) {
    assert.ok(names.includes(name), name);
  }
});

test("the schemas of entries are those of the configuration file, with the forms of a password", async (t) => {
  const { url } = await startApi(t);
  const { components } = await documentOf(url);
  const account = components.schemas.Account as unknown as {
    readonly required: unknown;
    readonly properties: Readonly<Record<string, { readonly description: string; readonly anyOf?: unknown[] }>>;
  };
  assert.deepEqual(account.required, ["name"]);
  assert.match(account.properties.expires?.description ?? "", /ISO 8601/);
  assert.equal(account.properties.password?.anyOf?.length, 3);
  for (const id of ["Group", "DispatchRule", "AlertRule", "Problem", "AccountingEvent"]) {
    assert.ok(components.schemas[id], id);
  }
});

test("the page for people needs no script, no other origin, and no style but its own", async (t) => {
  const { url } = await startApi(t);
  const response = await fetch(`${url}/docs`);
  assert.equal(response.headers.get("content-type"), "text/html; charset=utf-8");
  const html = await response.text();
  const [, style = ""] = /<style>([\s\S]*?)<\/style>/.exec(html) ?? [];
  const hash = createHash("sha256").update(style).digest("base64");
  const policy = response.headers.get("content-security-policy") ?? "";
  assert.ok(policy.startsWith("default-src 'none'") && policy.includes(`'sha256-${hash}'`), policy);
  assert.doesNotMatch(html, /<(script|link|img|iframe|object)|<[^>]* (style|src|on\w+)=/);
  for (const [, target = ""] of html.matchAll(/href="([^"]*)"/g)) assert.match(target, /^(#|\/openapi\.json$)/);
  const document = await documentOf(url);
  for (const path of Object.keys(document.paths)) assert.ok(html.includes(path), path);
});
