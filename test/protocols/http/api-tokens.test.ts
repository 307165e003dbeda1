import assert from "node:assert/strict";
import { test } from "node:test";
import type { Account } from "../../../core/account.ts";
import { type Scope, scopes } from "../../../core/api-token.ts";
import { limits } from "../../../core/limits.ts";
import { testAccount } from "../../support/memory-ports.ts";
import { conformanceChecked, documentOf } from "../../support/openapi-conformance.ts";
import { basic, startApi } from "./rig.ts";

interface Created {
  readonly id: string;
  readonly token: string;
  readonly expires: string;
}

/** The API, with accounts and a clock that a test can change. */
async function start(t: Parameters<typeof startApi>[0]) {
  const known = new Map<string, Account>();
  const put = (account: Account) => known.set(account.name, account);
  for (const name of ["acme", "other"]) put(testAccount({ name }));
  for (const role of ["admin", "auditor", "operator"] as const) put(testAccount({ name: role, roles: [role] }));
  const clock = { aheadMs: 0 };
  const { services } = await startApi(t);
  const runtime = { ...services.runtime, now: () => Date.now() + clock.aheadMs };
  const api = await startApi(t, { runtime, accounts: { find: async (name) => known.get(name) } });
  const ask = async (authorization: string, method: string, path: string, body?: unknown) => {
    const headers = { authorization, ...(body !== undefined && { "content-type": "application/json" }) };
    const content = body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) };
    const response = await fetch(api.url + path, { method, headers, ...content });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text };
  };
  let count = 0;
  const create = async (account: string, granted: readonly Scope[], more = {}): Promise<Created> => {
    const wish = { name: `token ${count++}`, scopes: granted, ...more };
    const { status, text } = await ask(basic(account), "POST", "/v1/api-tokens", wish);
    assert.equal(status, 201, text);
    return JSON.parse(text) as Created;
  };
  const changes = () => api.events.filter(({ type }) => type === "configuration.changed");
  return { ...api, known, put, clock, ask, create, changes };
}

const bearer = ({ token }: { token: string }) => `Bearer ${token}`;

async function refusal(answer: Promise<{ status: number; text: string }>): Promise<unknown[]> {
  const { status, text } = await answer;
  const { code, field, rule } = JSON.parse(text) as Record<string, unknown>;
  return [status, code, ...[field, rule].filter((part) => part !== undefined)];
}

test("a token is shown once, kept as a digest, listed without its secret, and on record without it", async (t) => {
  const { ask, create, apiTokens, events, changes } = await start(t);
  const wish = { name: "nightly", scopes: ["files:read"] };
  const expires = new Date(Date.now() + 3_600_000).toISOString();
  const { token, ...shown } = JSON.parse(
    (await ask(basic("acme"), "POST", "/v1/api-tokens", { ...wish, expires })).text,
  );
  assert.match(token, /^fgt_[0-9a-f]{72}$/);
  const { id, created } = shown;
  assert.deepEqual(shown, { id, created, account: "acme", name: "nightly", scopes: ["files:read"], expires });
  await create("other", ["files:read"]);
  assert.deepEqual(JSON.parse((await ask(basic("acme"), "GET", "/v1/api-tokens")).text), { tokens: [shown] });
  const state = { id, account: "acme", name: "nightly", scopes: ["files:read"], expires };
  const [event] = changes();
  const fields = ["id", "account", "name", "scopes", "expires"];
  const data = { kind: "api-token", name: "nightly", operation: "created", source: "api", fields, after: state };
  assert.deepEqual([event?.data, event?.account?.name], [data, "acme"]);
  const secret = token.slice(4, 68);
  assert.ok(!JSON.stringify(events).includes(secret));
  assert.ok(!JSON.stringify(await apiTokens.list({ account: { name: "acme" } } as never)).includes(secret));
});

test("requests with a token carry its id as their session, and leave no logins on record", async (t) => {
  const { ask, create, events } = await start(t);
  const made = await create("acme", ["files:read", "files:write"]);
  const before = events.length;
  const contents = await ask(bearer(made), "PUT", "/v1/files?path=/a.txt", "hello");
  assert.equal(contents.status, 201, contents.text);
  assert.equal((await ask(bearer(made), "GET", "/v1/files?path=/a.txt")).text, "hello");
  const own = events.slice(before);
  const transfer = ["transfer.started", "transfer.completed"];
  assert.deepEqual(
    own.map(({ type }) => type),
    [...transfer, ...transfer],
  );
  assert.deepEqual([...new Set(own.map(({ session }) => session))], [made.id]);
  assert.deepEqual([...new Set(own.map(({ account }) => account?.name))], ["acme"]);
});

/** One request of each scope, as whoever may do it but for the scope. */
const needs: readonly (readonly [Scope, string, string, unknown?])[] = [
  ["files:read", "GET", "/v1/files?path=/"],
  ["files:read", "GET", "/v1/files?path=/&format=zip"],
  ["files:write", "PUT", "/v1/files?path=/b.txt", "x"],
  ["files:write", "DELETE", "/v1/files?path=/b.txt"],
  ["files:write", "POST", "/v1/operations", { op: "rename", from: "/a", to: "/b" }],
  ["files:write", "POST", "/v1/uploads", { path: "/large" }],
  ["files:write", "GET", "/v1/uploads"],
  ["events:read", "GET", "/v1/events"],
  ["management", "GET", "/v1/accounts"],
  ["management", "GET", "/v1/dispatch-rules"],
  ["management", "GET", "/v1/dead-letters"],
  ["authorize", "POST", "/v1/authorize", { action: "read", path: "/" }],
];

test("a token does what its scopes say, and what is missing is 403 with the scope and one event", async (t) => {
  const { ask, create, types } = await start(t);
  for (const [scope, method, path, body] of needs) {
    const others = scopes.filter((other) => other !== scope);
    const [only, allBut] = [await create("admin", [scope]), await create("admin", others)];
    const granted = await ask(bearer(only), method, path, body);
    assert.ok(![401, 403].includes(granted.status), `${method} ${path} ${granted.text}`);
    const before = types().length;
    const refused = await refusal(ask(bearer(allBut), method, path, body));
    assert.deepEqual(refused, [403, "permission-denied", `scope ${scope} is required`]);
    assert.deepEqual(types().slice(before), ["access.denied"], path);
  }
});

test("the document says of each operation which scope it needs, or that tokens may not", async (t) => {
  const { application } = await start(t);
  const { paths } = await documentOf(conformanceChecked(application, () => {}));
  const withoutScope = Object.values(paths)
    .flatMap((methods) => Object.values(methods))
    .filter(({ description = "", security }) => security === undefined && !description.includes("need the scope"));
  assert.deepEqual(
    withoutScope.map(({ operationId, description }) => [operationId, description?.includes("tokens may not")]),
    ["endSession", "createApiToken", "listApiTokens", "revokeApiToken"].map((operationId) => [operationId, true]),
  );
});

test("a token of all scopes can neither make, see nor revoke tokens, nor end sessions", async (t) => {
  const { ask, create } = await start(t);
  const made = await create("admin", scopes);
  for (const [method, path] of [
    ["POST", "/v1/api-tokens"],
    ["GET", "/v1/api-tokens"],
    ["DELETE", `/v1/api-tokens/${made.id}`],
    ["DELETE", "/v1/sessions/current"],
  ] as const) {
    const body = method === "POST" ? { name: "more", scopes: ["management"] } : undefined;
    const answer = await refusal(ask(bearer(made), method, path, body));
    assert.deepEqual(answer, [403, "permission-denied", "no API token may do this: log in"]);
  }
});

test("a token never does more than its account: permissions and roles are asked as ever", async (t) => {
  const { ask, create, put } = await start(t);
  const made = await create("acme", scopes);
  assert.deepEqual(await refusal(ask(bearer(made), "GET", "/v1/accounts")), [
    403,
    "permission-denied",
    "role admin is required",
  ]);
  assert.deepEqual((await refusal(ask(bearer(made), "GET", "/v1/events")))[2], "role auditor or admin is required");
  put(testAccount({ name: "acme", permissions: [] }));
  assert.equal((await ask(bearer(made), "GET", "/v1/files?path=/")).status, 403);
});

const accountChanges: Readonly<Record<string, Partial<Account>>> = {
  "is disabled": { enabled: false },
  "has expired": { expiresAtMs: 0 },
  "may not come from here": { sources: ["192.0.2.0/24"] },
  "has become one of another system": { external: true },
  "has a disabled group": { groups: [{ name: "partners", enabled: false, permissions: [] }] },
};
for (const [change, changed] of Object.entries(accountChanges)) {
  test(`a token is refused at the next request when its account ${change}, and good again afterwards`, async (t) => {
    const { ask, create, put } = await start(t);
    const made = await create("acme", ["files:read"]);
    const list = () => ask(bearer(made), "GET", "/v1/files?path=/");
    put(testAccount({ name: "acme", ...changed }));
    const refused = await list();
    assert.equal(refused.headers.get("www-authenticate"), 'Bearer realm="ferrygate", error="invalid_token"');
    assert.deepEqual(await refusal(Promise.resolve(refused)), [401, "authentication-failed"]);
    put(testAccount({ name: "acme" }));
    assert.equal((await list()).status, 200);
  });
}

test("another password leaves a token as it is", async (t) => {
  const { ask, create, put } = await start(t);
  const made = await create("acme", ["files:read"]);
  put(testAccount({ name: "acme", passwordHash: undefined }));
  assert.equal((await ask(bearer(made), "GET", "/v1/files?path=/")).status, 200);
});

test("a revoked token is refused at once, and its end is on record once", async (t) => {
  const { ask, create, changes } = await start(t);
  const made = await create("acme", ["files:read"]);
  assert.equal((await ask(basic("acme"), "DELETE", `/v1/api-tokens/${made.id}`)).status, 204);
  assert.equal((await ask(bearer(made), "GET", "/v1/files?path=/")).status, 401);
  assert.equal((await ask(basic("acme"), "DELETE", `/v1/api-tokens/${made.id}`)).status, 404);
  assert.deepEqual(
    changes().map(({ data }) => [data.operation, data.source]),
    [
      ["created", "api"],
      ["deleted", "api"],
    ],
  );
});

test("what is going on with a token ends soon after it is revoked or has expired", async (t) => {
  for (const end of ["revoked", "expired"] as const) {
    const { url, ask, create, registry, clock } = await start(t);
    const made = await create("auditor", ["events:read"]);
    const response = await fetch(`${url}/v1/events/stream`, { headers: { authorization: bearer(made) } });
    assert.equal(response.status, 200);
    await registry.review();
    assert.equal(registry.count, 1, "a good token goes on");
    if (end === "revoked") await ask(basic("auditor"), "DELETE", `/v1/api-tokens/${made.id}`);
    else clock.aheadMs = limits.apiTokenMs;
    await registry.review();
    // Any event has the stream look again, before its heartbeat does.
    await ask(basic("acme"), "GET", "/v1/files?path=/");
    await assert.doesNotReject(response.text());
    assert.equal(registry.count, 0);
  }
});

test("a token ends with its time, leaves the list, and makes room", async (t) => {
  const { ask, create, clock, apiTokens } = await start(t);
  const expires = new Date(Date.now() + 60_000).toISOString();
  const made = await create("acme", ["files:read"], { name: "short", expires });
  const lasting = await create("acme", ["files:read"]);
  assert.ok(Math.abs(Date.parse(lasting.expires) - Date.now() - limits.apiTokenMs) < 60_000);
  clock.aheadMs = 60_000;
  assert.equal((await ask(bearer(made), "GET", "/v1/files?path=/")).status, 401);
  assert.equal((await ask(bearer(lasting), "GET", "/v1/files?path=/")).status, 200);
  const { tokens } = JSON.parse((await ask(basic("acme"), "GET", "/v1/api-tokens")).text) as { tokens: Created[] };
  assert.deepEqual(
    tokens.map(({ id }) => id),
    [lasting.id],
  );
  await create("acme", ["files:read"], { name: "short" });
  await apiTokens.review();
  assert.equal((await ask(bearer(lasting), "GET", "/v1/files?path=/")).status, 200);
});

test("the tokens of a removed account are revoked: another account of its name does not get them", async (t) => {
  const { ask, create, known, put, apiTokens, changes } = await start(t);
  const [made, kept] = [await create("acme", ["files:read"]), await create("other", ["files:read"])];
  known.delete("acme");
  assert.equal((await ask(bearer(made), "GET", "/v1/files?path=/")).status, 401);
  await apiTokens.review();
  await apiTokens.review();
  put(testAccount({ name: "acme" }));
  assert.equal((await ask(bearer(made), "GET", "/v1/files?path=/")).status, 401);
  assert.equal((await ask(bearer(kept), "GET", "/v1/files?path=/")).status, 200);
  const ends = changes().filter(({ data }) => data.operation === "deleted");
  assert.deepEqual(
    ends.map(({ data, protocol }) => [data.source, protocol]),
    [["removed-account", "system"]],
  );
});

test("an administrator sees and revokes the tokens of others, and nobody else does", async (t) => {
  const { ask, create } = await start(t);
  const made = await create("acme", ["files:read"]);
  const denied = [403, "permission-denied", "role admin is required"];
  for (const name of ["other", "auditor", "operator"]) {
    assert.deepEqual(await refusal(ask(basic(name), "GET", "/v1/api-tokens?account=acme")), denied);
    assert.deepEqual(await refusal(ask(basic(name), "DELETE", `/v1/api-tokens/${made.id}`)), denied);
  }
  assert.equal((await ask(bearer(made), "GET", "/v1/files?path=/")).status, 200);
  const listed = await ask(basic("admin"), "GET", "/v1/api-tokens?account=acme");
  assert.equal((JSON.parse(listed.text) as { tokens: Created[] }).tokens[0]?.id, made.id);
  assert.equal((await ask(basic("admin"), "DELETE", `/v1/api-tokens/${made.id}`)).status, 204);
  assert.equal((await ask(bearer(made), "GET", "/v1/files?path=/")).status, 401);
});

test("what is no wish for a token is refused, and names what is wrong", async (t) => {
  const { ask, create, changes } = await start(t);
  const wish = { name: "job", scopes: ["files:read"] };
  const past = new Date(Date.now() - 1000).toISOString();
  const late = new Date(Date.now() + limits.apiTokenMs + 60_000).toISOString();
  const wrong: readonly (readonly [unknown, string])[] = [
    [{ scopes: wish.scopes }, "name"],
    [{ ...wish, name: "" }, "name"],
    [{ ...wish, name: "n".repeat(limits.apiTokenNameLength + 1) }, "name"],
    [{ name: "job" }, "scopes"],
    [{ ...wish, scopes: [] }, "scopes"],
    [{ ...wish, scopes: ["files:read", "everything"] }, "scopes.1"],
    [{ ...wish, scopes: "files:read" }, "scopes"],
    [{ ...wish, account: "other" }, "account"],
    ...["soon", past, late, "2026-02-30"].map((expires) => [{ ...wish, expires }, "expires"] as const),
  ];
  for (const [body, field] of wrong) {
    assert.deepEqual(await refusal(ask(basic("acme"), "POST", "/v1/api-tokens", body)), [
      400,
      "invalid-argument",
      field,
    ]);
  }
  assert.deepEqual(changes(), []);
  await create("acme", ["files:read"], { name: "job" });
  assert.deepEqual(await refusal(ask(basic("acme"), "POST", "/v1/api-tokens", wish)), [409, "already-exists"]);
  for (let count = 1; count < limits.apiTokensPerAccount; count += 1) await create("acme", ["files:read"]);
  assert.deepEqual(await refusal(ask(basic("acme"), "POST", "/v1/api-tokens", { ...wish, name: "more" })), [
    507,
    "quota-exceeded",
  ]);
  await create("other", ["files:read"]);
});

test("an account that another system vouches for cannot have tokens", async (t) => {
  const { apiTokens, changes } = await start(t);
  const session = { account: testAccount({ name: "acme", external: true }) };
  const wish = { name: "job", scopes: ["files:read"] } as const;
  await assert.rejects(apiTokens.create(session as never, wish), { code: "permission-denied" });
  assert.deepEqual(changes(), []);
});

test("a token that cannot be put on record is not made", async (t) => {
  const { services } = await startApi(t);
  const accounting = { ...services.accounting, isFull: false };
  const append = services.accounting.append;
  accounting.append = async (event) => {
    if (event.type === "configuration.changed") throw new Error("the disk is full");
    await append(event);
  };
  const { url, apiTokens } = await startApi(t, { accounting });
  const headers = { authorization: basic("acme"), "content-type": "application/json" };
  const body = JSON.stringify({ name: "job", scopes: ["files:read"] });
  assert.equal((await fetch(`${url}/v1/api-tokens`, { method: "POST", headers, body })).status, 500);
  assert.deepEqual(await apiTokens.list({ account: { name: "acme" } } as never), []);
});

test("each role opens its own part of the API, and admin all of it", async (t) => {
  const { ask } = await start(t);
  const parts = {
    "/v1/events": ["auditor", "admin"],
    "/v1/dispatch-rules": ["operator", "admin"],
    "/v1/alert-rules": ["operator", "admin"],
    "/v1/dead-letters": ["operator", "admin"],
    "/v1/accounts": ["admin"],
    "/v1/groups": ["admin"],
  };
  for (const [path, open] of Object.entries(parts)) {
    for (const name of ["acme", "auditor", "operator", "admin"]) {
      const { status } = await ask(basic(name), "GET", path);
      assert.equal(status, open.includes(name) ? 200 : 403, `${name} ${path}`);
    }
  }
});
