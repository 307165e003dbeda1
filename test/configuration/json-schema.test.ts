import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { parse } from "yaml";
import { z } from "zod";
import { configurationJsonSchema } from "../../adapters/node/configuration/json-schema.ts";
import { exampleConfiguration } from "./example.ts";

const published = JSON.parse(readFileSync(new URL("../../schema/ferrygate.schema.json", import.meta.url), "utf8"));

test("the published JSON Schema is the one of this version: ferrygate schema prints it", () => {
  assert.deepEqual(published, JSON.parse(JSON.stringify(configurationJsonSchema())));
});

test("the example is valid against the JSON Schema, and a mistake in it is not", () => {
  const schema = z.fromJSONSchema(published);
  const example = parse(exampleConfiguration);
  assert.deepEqual(schema.safeParse(example).error, undefined);
  assert.equal(schema.safeParse({ ...example, servr: {} }).success, false);
  assert.equal(schema.safeParse({ ...example, accounts: [{ name: 5 }] }).success, false);
});

test("every key is described", () => {
  const undescribed: string[] = [];
  const visit = (node: unknown, path: string): void => {
    if (typeof node !== "object" || node === null) return;
    const { properties = {}, ...rest } = node as { properties?: Readonly<Record<string, { description?: string }>> };
    for (const [name, property] of Object.entries(properties)) {
      if (property.description === undefined) undescribed.push(`${path}.${name}`);
      visit(property, `${path}.${name}`);
    }
    for (const part of Object.values(rest)) visit(part, path);
  };
  visit(published, "");
  assert.deepEqual(undescribed, []);
});

test("every key is explained in docs/configuration.md", () => {
  const text = readFileSync(new URL("../../docs/configuration.md", import.meta.url), "utf8");
  const names = [...JSON.stringify(published).matchAll(/"([$A-Za-z]+)":\{"description"/g)].map(([, name = ""]) => name);
  assert.ok(names.length > 30);
  assert.deepEqual(
    names.filter((name) => !new RegExp(`[\`. {]${name.replace("$", "\\$&")}[\`.:[]`).test(text)),
    [],
  );
});
