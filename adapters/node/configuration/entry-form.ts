import { z } from "zod";
import { type EntryKind, fieldName, type JsonObject, type JsonValue } from "../../../core/configuration-entry.ts";
import { ConfigurationError, type FieldProblem } from "../../../core/configuration-error.ts";
import { destinationSchema } from "./destination-schema.ts";
import { dispatchRuleSchema } from "./dispatch-rule-schema.ts";
import { findingsOf, messageFor } from "./findings.ts";
import { InvalidValue } from "./invalid-value.ts";
import { pullSchema } from "./pull-schema.ts";
import { alertRuleSchema } from "./rule-schema.ts";
import { accountSchema, groupSchema } from "./schema.ts";
import type { SecretSource } from "./secret.ts";

/** An entry comes over the network or from the store, so it must not make the server read its files. */
export const noSecretSource: SecretSource = {
  fromFile: refuseReference,
  fromVariable: refuseReference,
};

function refuseReference(): never {
  throw new InvalidValue("a reference to a file or a variable is possible in the configuration file only");
}

const schemas = {
  account: accountSchema(noSecretSource),
  group: groupSchema,
  destination: destinationSchema(noSecretSource),
  "dispatch-rule": dispatchRuleSchema(noSecretSource),
  pull: pullSchema,
  "alert-rule": alertRuleSchema(noSecretSource),
} as const;

/** An entry that was read: its values converted. */
export type ParsedEntry<Kind extends EntryKind> = z.output<(typeof schemas)[Kind]>;

type JsonSchema = z.core.JSONSchema.JSONSchema;

/** The form of an entry as it is written, as JSON Schema 2020-12. Made when it is asked for: a login needs none. */
export const entryJsonSchemas: Readonly<Record<EntryKind, JsonObject>> = {
  get account() {
    return jsonSchemaOf("account");
  },
  get group() {
    return jsonSchemaOf("group");
  },
  get destination() {
    return jsonSchemaOf("destination");
  },
  get "dispatch-rule"() {
    return jsonSchemaOf("dispatch-rule");
  },
  get pull() {
    return jsonSchemaOf("pull");
  },
  get "alert-rule"() {
    return jsonSchemaOf("alert-rule");
  },
};

const made = new Map<EntryKind, JsonObject>();

function jsonSchemaOf(kind: EntryKind): JsonObject {
  const known = made.get(kind);
  if (known) return known;
  const { $schema, ...schema } = z.toJSONSchema(schemas[kind], { io: "input" });
  made.set(kind, schema as unknown as JsonObject);
  return schema as unknown as JsonObject;
}

/**
 * Reads an entry as the configuration file is read, except that secrets stand in it themselves.
 * @throws ConfigurationError `invalid-entry` with every problem
 */
export function parseEntry<Kind extends EntryKind>(kind: Kind, value: JsonObject): ParsedEntry<Kind> {
  const result = schemas[kind].safeParse(value, { error: messageFor, reportInput: true });
  if (result.success) return result.data as ParsedEntry<Kind>;
  const problems = findingsOf(result.error).map(
    ({ path, message }): FieldProblem => ({ field: fieldName(path), message }),
  );
  const [first = { field: "", message: "the entry cannot be read" }, ...others] = problems;
  throw new ConfigurationError("invalid-entry", first, ...others);
}

/** The written entry with every default filled in and its names in the order of the schema. */
export function completeEntry(kind: EntryKind, written: JsonObject): JsonObject {
  return completed(entryJsonSchemas[kind] as JsonSchema, written) as JsonObject;
}

function completed(schema: z.core.JSONSchema._JSONSchema | undefined, value: JsonValue): JsonValue {
  if (typeof value !== "object" || value === null || typeof schema !== "object") return value;
  if (Array.isArray(value)) return value.map((item: JsonValue) => completed(itemSchema(schema), item));
  const properties = schema.properties ?? {};
  const members = memberNames(properties, value as JsonObject).flatMap((name) => {
    const property = properties[name];
    const written = Object.hasOwn(value, name) ? (value as JsonObject)[name] : defaultOf(property);
    return written === undefined ? [] : [[name, completed(property, written)] as const];
  });
  return Object.fromEntries(members);
}

/** Those of the schema in its order, then others (of a mapping with free names) in that of the alphabet. */
function memberNames(properties: object, value: JsonObject): string[] {
  const known = Object.keys(properties);
  const free = Object.keys(value).filter((name) => !Object.hasOwn(properties, name));
  return [...known, ...free.sort()];
}

function itemSchema({ items }: JsonSchema): JsonSchema | undefined {
  return typeof items === "object" && !Array.isArray(items) ? (items as JsonSchema) : undefined;
}

function defaultOf(schema: z.core.JSONSchema._JSONSchema | undefined): JsonValue | undefined {
  return typeof schema === "object" ? (schema.default as JsonValue | undefined) : undefined;
}
