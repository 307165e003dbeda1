import { z } from "zod";
import type { Role } from "../../core/account.ts";
import type { EntryKind, JsonObject, JsonValue } from "../../core/configuration-entry.ts";
import { limits } from "../../core/limits.ts";
import type { ChangeOptions, ChangeReport, Management, ShownEntry } from "../../service/management/management.ts";
import { jsonAnswer, toResponse } from "./answer.ts";
import { readEntityTags } from "./entity-tags.ts";
import type { HttpContext } from "./http-context.ts";
import { type Operation, sessionOperation } from "./operation.ts";
import { queryFlag, queryInteger } from "./request-input.ts";

/** A kind of entry as a resource of the API. */
interface Resource {
  readonly kind: EntryKind;
  /** Who may see and change it. */
  readonly role: Role;
  /** The last part of its path. */
  readonly collection: string;
  /** The name of its schema in the OpenAPI document. */
  readonly schemaId: string;
  readonly plural: string;
  readonly noun: string;
  readonly example: JsonObject;
}

const resources: readonly Resource[] = [
  {
    kind: "account",
    role: "admin",
    collection: "accounts",
    schemaId: "Account",
    plural: "Accounts",
    noun: "an account",
    example: {
      name: "acme",
      groups: ["partners"],
      password: { clear: "correct horse battery staple" },
      permissions: [["/inbox/*", "allow-list", "allow-write"]],
    },
  },
  {
    kind: "group",
    role: "admin",
    collection: "groups",
    schemaId: "Group",
    plural: "Groups",
    noun: "a group",
    example: { name: "partners", permissions: [["allow-list"]] },
  },
  {
    kind: "dispatch-rule",
    role: "operator",
    collection: "dispatch-rules",
    schemaId: "DispatchRule",
    plural: "DispatchRules",
    noun: "a dispatch rule",
    example: { name: "pdfs-to-outbox", when: { path: "/inbox/*.pdf" }, do: [{ move: "/outbox/" }] },
  },
  {
    kind: "destination",
    role: "admin",
    collection: "destinations",
    schemaId: "Destination",
    plural: "Destinations",
    noun: "a destination",
    example: {
      name: "globex",
      url: "sftp://files.globex.example/incoming",
      user: "acme",
      password: "correct horse battery staple",
      hostKeys: ["SHA256:wH1f2nMD4tpsYLgN9Wmc1wQ1uuMZEC9S0mZ2YzMEzGk"],
    },
  },
  {
    kind: "pull",
    role: "operator",
    collection: "pulls",
    schemaId: "Pull",
    plural: "Pulls",
    noun: "a pull",
    example: {
      name: "globex-orders",
      destination: "globex",
      from: "/outgoing",
      account: "acme",
      to: "/inbox",
      schedule: "*/15 * * * *",
      after: "delete",
    },
  },
  {
    kind: "alert-rule",
    role: "operator",
    collection: "alert-rules",
    schemaId: "AlertRule",
    plural: "AlertRules",
    noun: "an alert rule",
    example: {
      name: "refused-logins",
      when: { types: ["authentication.failed"] },
      email: { to: ["ops@example.com"], subject: "login refused for {account.name}" },
    },
  },
];

const mark = {
  type: "object",
  description: "stands for the one there is: shown in its place, and sent back to keep it",
  properties: { set: { const: true } },
  required: ["set"],
  additionalProperties: false,
} as const;

const passwordSchema = {
  description: "Without it no password is accepted.",
  anyOf: [
    { type: "string", description: 'a hash, as "ferrygate hash-password" prints it; never shown' },
    mark,
    { type: "object", properties: { clear: { type: "string" } }, required: ["clear"], additionalProperties: false },
  ],
} as const;

const webhookSecretSchema = {
  description: "What signs the requests: whsec_ and base64, or any text. Without it they are not signed.",
  anyOf: [{ type: "string", description: "never shown" }, mark],
} as const;

const destinationSecretSchema = { anyOf: [{ type: "string", description: "never shown" }, mark] } as const;

/**
 * The schemas of entries by their ids in the OpenAPI document.
 * @param forms how the configuration file writes each kind
 */
export function managementSchemas(forms: Readonly<Record<EntryKind, JsonObject>>): Record<string, JsonObject> {
  const schemas = resources.map(({ kind, schemaId, example }) => {
    return [schemaId, { ...apiForm(kind, forms[kind]), examples: [example] }] as const;
  });
  return Object.fromEntries(schemas);
}

/** The API has forms of its own for secrets, and none for references to files. */
function apiForm(kind: EntryKind, form: JsonObject): JsonObject {
  if (kind === "account") return withProperty(form, "password", passwordSchema);
  if (kind === "destination") {
    const secrets = ["password", "privateKey", "passphrase"];
    const plain = secrets.reduce((schema, secret) => withProperty(schema, secret, destinationSecretSchema), form);
    return withProperty(plain, "ca", { type: "string", description: "Certificates (PEM) of the authorities." });
  }
  if (kind === "alert-rule") return withWebhookSecret(form);
  if (kind !== "dispatch-rule") return form;
  return ["do", "otherwise"].reduce((schema, list) => {
    const steps = asObject(asObject(schema.properties)[list]);
    return withProperty(schema, list, { ...steps, items: withWebhookSecret(asObject(steps.items)) });
  }, form);
}

function withWebhookSecret(form: JsonObject): JsonObject {
  const webhook = asObject(asObject(form.properties).webhook);
  return withProperty(form, "webhook", withProperty(webhook, "secret", webhookSecretSchema));
}

function withProperty(schema: JsonObject, name: string, property: JsonObject): JsonObject {
  return { ...schema, properties: { ...asObject(schema.properties), [name]: property } };
}

function asObject(value: JsonValue | undefined): JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
}

const parameters = z.object({ name: z.string().describe("its name; the one in the content, where there is one") });
const changeQuery = z.object({
  dryRun: queryFlag().optional().describe("true: everything is checked, the difference is answered, nothing changes"),
});
const fieldChange = z.object({ field: z.string(), before: z.unknown().optional(), after: z.unknown().optional() });
const changeReport = z
  .object({
    operation: z.enum(["created", "changed", "deleted", "unchanged"]),
    changes: z.array(fieldChange),
  })
  .meta({ id: "ChangeReport", description: "What a change would do, field by field; secrets are not shown." });

const preconditions = {
  "If-Match": "entity tags, one of which the entry has to have; otherwise 412 and nothing changes",
  "If-None-Match": "* for an entry that must not exist yet",
};

export function managementOperations(management: Management): readonly Operation[] {
  return resources.flatMap((resource) => {
    const entry = z.record(z.string(), z.unknown()).meta({ id: resource.schemaId });
    return [
      listOperation(management, resource, entry),
      readOperation(management, resource, entry),
      putOperation(management, resource, entry),
      removeOperation(management, resource),
    ];
  });
}

function listOperation(
  management: Management,
  { kind, role, collection, plural }: Resource,
  entry: z.ZodType,
): Operation {
  return sessionOperation(
    {
      method: "GET",
      path: `/v1/${collection}`,
      operationId: `list${plural}`,
      summary: `A page of the ${collection}, in the order of their names`,
      tags: ["management"],
      role,
      scope: "management",
      query: z.object({
        limit: queryInteger(1, limits.listingPageEntries).optional().describe("entries on a page; 100 when absent"),
        after: z.string().optional().describe("the `next` of the page before"),
      }),
      responses: {
        200: {
          description: "the entries, and `next` where there are more",
          schema: z.object({ entries: z.array(entry), next: z.string().optional() }),
        },
      },
    },
    async (_, { query: { limit = limits.eventPageDefaultEntries, after } }) => {
      const { entries, next } = await management.list(kind, { limit, after });
      return toResponse(jsonAnswer(200, { entries: entries.map(({ value }) => value), next }));
    },
  );
}

function readOperation(management: Management, resource: Resource, entry: z.ZodType): Operation {
  const { kind, role, collection, schemaId, noun } = resource;
  return sessionOperation(
    {
      method: "GET",
      path: `/v1/${collection}/{name}`,
      operationId: `get${schemaId}`,
      summary: `Read ${noun}`,
      description: 'In the form of the configuration file, with every default. A secret is shown as `{"set": true}`.',
      tags: ["management"],
      role,
      scope: "management",
      parameters,
      headers: { "If-None-Match": "entity tags that the client has; 304 when the entry has one of them" },
      responses: {
        200: { description: "the entry", schema: entry, headers: entryHeaderDescriptions },
        304: { description: "the client has the entry as it is" },
      },
      problems: [404],
    },
    async (_, { parameters: { name }, context }) => {
      const shown = await management.read(kind, name);
      const known = readEntityTags(context.req.raw.headers, "if-none-match");
      const isKnown = known === "*" || known?.includes(shown.etag) === true;
      return isKnown ? new Response(null, { status: 304, headers: entryHeaders(shown) }) : entryResponse(200, shown);
    },
  );
}

function putOperation(management: Management, resource: Resource, entry: z.ZodType): Operation {
  const { kind, role, collection, schemaId, noun } = resource;
  return sessionOperation(
    {
      method: "PUT",
      path: `/v1/${collection}/{name}`,
      operationId: `put${schemaId}`,
      summary: `Make ${noun}, or make it what the content says`,
      description: putDescriptions[kind] ?? "What is absent has its default.",
      tags: ["management"],
      role,
      scope: "management",
      parameters,
      query: changeQuery,
      headers: preconditions,
      body: entry,
      responses: {
        200: {
          description: "the entry, changed or as it was; with `dryRun` the difference",
          schema: z.union([entry, changeReport]),
          headers: entryHeaderDescriptions,
        },
        201: { description: "the entry, which is new", schema: entry, headers: entryHeaderDescriptions },
      },
      problems: [409, 412, 413, 415, 422],
    },
    async (session, { parameters: { name }, query, body, context }) => {
      const options = changeOptions(context, query.dryRun);
      const report = await management.put(session, { kind, name }, body as JsonObject, options);
      return options.dryRun || !report.entry
        ? reportResponse(report)
        : entryResponse(report.operation === "created" ? 201 : 200, report.entry);
    },
  );
}

const putDescriptions: Readonly<Partial<Record<EntryKind, string>>> = {
  account:
    'What is absent has its default. `password` is a hash, `{"set": true}` to keep the one there is, or ' +
    '`{"clear": "…"}`, which the server hashes; without it the account has no password.',
};

function removeOperation(management: Management, { kind, role, collection, schemaId, noun }: Resource): Operation {
  return sessionOperation(
    {
      method: "DELETE",
      path: `/v1/${collection}/{name}`,
      operationId: `delete${schemaId}`,
      summary: `Delete ${noun}`,
      tags: ["management"],
      role,
      scope: "management",
      parameters,
      query: changeQuery,
      headers: preconditions,
      responses: {
        200: { description: "with `dryRun`: what would be deleted", schema: changeReport },
        204: { description: "it is deleted" },
      },
      problems: [404, 409, 412],
    },
    async (session, { parameters: { name }, query, context }) => {
      const options = changeOptions(context, query.dryRun);
      const report = await management.remove(session, { kind, name }, options);
      return options.dryRun ? reportResponse(report) : new Response(null, { status: 204 });
    },
  );
}

function changeOptions({ req }: HttpContext, dryRun = false): ChangeOptions {
  const { headers } = req.raw;
  const precondition = {
    ifMatch: readEntityTags(headers, "if-match"),
    ifNoneMatch: readEntityTags(headers, "if-none-match"),
  };
  return { precondition, dryRun };
}

const entryHeaderDescriptions = {
  ETag: "changes with the entry; for If-Match",
  "Ferrygate-Origin": "file as long as the entry is what the configuration file says, otherwise api",
};

function entryHeaders({ etag, origin, modified }: ShownEntry): Record<string, string> {
  return {
    etag: `"${etag}"`,
    "last-modified": new Date(modified).toUTCString(),
    "ferrygate-origin": origin,
  };
}

function entryResponse(status: number, shown: ShownEntry): Response {
  return toResponse(jsonAnswer(status, shown.value, entryHeaders(shown)));
}

function reportResponse({ operation, changes }: ChangeReport): Response {
  return toResponse(jsonAnswer(200, { operation, changes }));
}
