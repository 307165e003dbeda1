import assert from "node:assert/strict";
import { test } from "node:test";
import { memoryPasswordHash } from "../../support/memory-ports.ts";
import { managedFile, startManagedApi } from "./managed-rig.ts";

const etagOf = ({ headers }: { headers: Headers }) => headers.get("etag") ?? "";

test("entries are listed in pages, in the order of their names", async (t) => {
  const { ask } = await startManagedApi(t);
  const first = await ask("GET", "/v1/accounts?limit=1");
  assert.deepEqual(
    [first.status, (first.body.entries as { name: string }[]).map(({ name }) => name), first.body.next],
    [200, ["acme"], "acme"],
  );
  const second = await ask("GET", "/v1/accounts?limit=1&after=acme");
  assert.deepEqual((second.body.entries as { name: string }[])[0]?.name, "root");
  assert.equal(second.body.next, undefined);
});

test("an entry has every default, an ETag and no secret", async (t) => {
  const { ask } = await startManagedApi(t);
  const answer = await ask("GET", "/v1/accounts/acme");
  assert.deepEqual(answer.body, {
    name: "acme",
    groups: ["partners"],
    password: { set: true },
    publicKeys: [],
    roles: [],
    enabled: true,
    folders: {},
    permissions: [["/inbox/*", "allow-write"]],
  });
  assert.equal(answer.headers.get("ferrygate-origin"), "file");
  const again = await ask("GET", "/v1/accounts/acme", { headers: { "if-none-match": etagOf(answer) } });
  assert.equal(again.status, 304);
  assert.equal((await ask("GET", "/v1/accounts/nobody")).status, 404);
});

test("what was read can be sent back, changed, and the password stays", async (t) => {
  const { ask, changes, configuration } = await startManagedApi(t);
  const { body } = await ask("GET", "/v1/accounts/acme");
  const before = (await configuration.find("acme"))?.passwordHash;
  assert.equal((await ask("PUT", "/v1/accounts/acme", { body })).status, 200);
  assert.deepEqual(changes(), [], "nothing was changed, so there is no event");
  const changed = await ask("PUT", "/v1/accounts/acme", { body: { ...body, home: "elsewhere" } });
  assert.deepEqual([changed.status, changed.body.home], [200, "elsewhere"]);
  assert.equal(changed.headers.get("ferrygate-origin"), "api");
  assert.equal((await configuration.find("acme"))?.passwordHash, before);
  assert.deepEqual(
    changes().map(({ account, data }) => [account?.name, data.operation, data.fields]),
    [["root", "changed", ["home"]]],
  );
});

test("a new account logs in at once, and no longer when it is deleted", async (t) => {
  const { ask } = await startManagedApi(t);
  const body = { password: { clear: "password" }, permissions: [["allow-full-control"]] };
  const made = await ask("PUT", "/v1/accounts/new", { body });
  assert.deepEqual([made.status, made.body.password], [201, { set: true }]);
  const question = { body: { action: "read", path: "/a" }, as: "new" };
  assert.equal((await ask("POST", "/v1/authorize", question)).status, 200);
  assert.equal((await ask("DELETE", "/v1/accounts/new")).status, 204);
  assert.equal((await ask("POST", "/v1/authorize", question)).status, 401);
});

test("PUT is idempotent, with a clear password too; another password is a change without its text", async (t) => {
  const { ask, changes } = await startManagedApi(t);
  const body = { password: { clear: "password" } };
  const [first, second] = [
    await ask("PUT", "/v1/accounts/new", { body }),
    await ask("PUT", "/v1/accounts/new", { body }),
  ];
  assert.deepEqual([first.status, second.status], [201, 200]);
  assert.equal(etagOf(first), etagOf(second));
  const other = await ask("PUT", "/v1/accounts/new", { body: { password: { clear: "other" } } });
  assert.notEqual(etagOf(other), etagOf(first));
  assert.deepEqual(
    changes().map(({ data }) => data.operation),
    ["created", "changed"],
  );
  assert.deepEqual(changes()[1]?.data.fields, ["password"]);
  assert.doesNotMatch(JSON.stringify(changes()), /argon2|"clear"|"other"/);
});

test("groups and rules are managed the same way", async (t) => {
  const { ask, configuration } = await startManagedApi(t);
  const entries = {
    groups: { permissions: [["allow-read"]] },
    "dispatch-rules": { when: { accounts: ["acme"] }, do: [{ move: "/outbox/" }] },
    "alert-rules": {
      when: { types: ["authentication.failed"] },
      email: { to: ["ops@example.com"], subject: "refused" },
    },
  };
  for (const [collection, body] of Object.entries(entries)) {
    const path = `/v1/${collection}/new`;
    assert.equal((await ask("PUT", path, { body })).status, 201, collection);
    assert.equal((await ask("GET", path)).body.name, "new");
    assert.equal((await ask("PUT", path, { body: { ...body, enabled: false } })).status, 200);
  }
  const { dispatch, alerts } = configuration.current();
  assert.deepEqual(
    [dispatch, alerts].map((rules) => rules.map(({ name, enabled }) => [name, enabled])),
    [[["new", false]], [["new", false]]],
  );
  for (const collection of Object.keys(entries)) {
    assert.equal((await ask("DELETE", `/v1/${collection}/new`)).status, 204);
    assert.equal((await ask("GET", `/v1/${collection}/new`)).status, 404);
  }
});

test("the secret of a webhook is not shown, stays when it is sent back, and gives way to another", async (t) => {
  const { ask, configuration, changes } = await startManagedApi(t);
  const path = "/v1/alert-rules/hook";
  const webhook = { url: "https://hooks.example.com/a", secret: "first secret" };
  const secret = () => configuration.current().alerts[0]?.webhook?.secret;
  const made = await ask("PUT", path, { body: { when: { types: ["file.deleted"] }, webhook } });
  assert.deepEqual([made.status, secret()], [201, "first secret"]);
  const { body } = await ask("GET", path);
  assert.deepEqual((body.webhook as { secret: unknown }).secret, { set: true });
  assert.equal((await ask("PUT", path, { body: { ...body, enabled: false } })).status, 200);
  assert.equal(secret(), "first secret");
  await ask("PUT", path, { body: { ...body, webhook: { ...webhook, secret: "second secret" } } });
  assert.equal(secret(), "second secret");
  assert.doesNotMatch(JSON.stringify(changes()), /first secret|second secret/);
});

test("a content that breaks the form is 422 with the place of every mistake", async (t) => {
  const { ask, changes } = await startManagedApi(t);
  const put = async (body: unknown) => (await ask("PUT", "/v1/accounts/new", { body })).body;
  const wrong = await put({ permissions: [["/a", "allow-read"], ["allow-wrote"]], colour: "red" });
  assert.deepEqual([wrong.status, wrong.code, wrong.field], [422, "invalid-entry", "permissions[1][0]"]);
  assert.deepEqual(
    (wrong.errors as { field: string }[]).map(({ field }) => field),
    ["permissions[1][0]", "colour"],
  );
  const field = async (body: unknown) => (await put(body)).field;
  assert.equal(await field({ name: "other" }), "name");
  assert.equal(await field({ password: { set: true } }), "password");
  assert.equal(await field({ password: { clear: "" } }), "password");
  assert.equal(await field({ password: { clear: "a", set: true } }), "password");
  assert.equal(await field({ groups: ["nobody"] }), "groups[0]");
  assert.equal((await ask("PUT", "/v1/accounts/-wrong", { body: {} })).body.field, "name");
  assert.deepEqual(changes(), []);
});

test("a content that is no JSON object is 400 or 415", async (t) => {
  const { ask } = await startManagedApi(t);
  for (const body of ["[]", "1", "null", "{", '"text"']) {
    assert.equal((await ask("PUT", "/v1/accounts/new", { body })).status, 400, body);
  }
  const asText = await ask("PUT", "/v1/accounts/new", { body: "{}", headers: { "content-type": "text/plain" } });
  assert.equal(asText.status, 415);
});

test("If-Match guards against lost updates, If-None-Match against overwriting", async (t) => {
  const { ask } = await startManagedApi(t);
  const read = await ask("GET", "/v1/groups/partners");
  const put = async (headers: Record<string, string>) =>
    (await ask("PUT", "/v1/groups/partners", { body: { ...read.body, enabled: false }, headers })).status;
  assert.equal(await put({ "if-none-match": "*" }), 412);
  assert.equal(await put({ "if-match": `W/${etagOf(read)}` }), 412);
  assert.equal(await put({ "if-match": "no tag" }), 400);
  assert.equal(await put({ "if-match": `"other", ${etagOf(read)}` }), 200);
  assert.equal(await put({ "if-match": etagOf(read) }), 412);
  const remove = await ask("DELETE", "/v1/groups/partners", { headers: { "if-match": etagOf(read) } });
  assert.equal(remove.status, 412);
});

test("a dry run answers the difference and changes nothing", async (t) => {
  const { ask, changes } = await startManagedApi(t);
  const { body } = await ask("GET", "/v1/accounts/acme");
  const wish = { ...body, enabled: false, permissions: [["/inbox/*", "allow-write", "allow-read"]] };
  const tried = await ask("PUT", "/v1/accounts/acme?dryRun=true", { body: wish });
  assert.deepEqual(
    [tried.status, tried.body],
    [
      200,
      {
        operation: "changed",
        changes: [
          { field: "enabled", before: true, after: false },
          {
            field: "permissions[0]",
            before: ["/inbox/*", "allow-write"],
            after: ["/inbox/*", "allow-write", "allow-read"],
          },
        ],
      },
    ],
  );
  assert.deepEqual((await ask("PUT", "/v1/accounts/acme?dryRun=true", { body })).body.operation, "unchanged");
  const made = await ask("PUT", "/v1/accounts/new?dryRun=true", { body: {} });
  assert.deepEqual([made.status, made.body.operation], [200, "created"]);
  assert.equal((await ask("DELETE", "/v1/accounts/acme?dryRun=true")).body.operation, "deleted");
  assert.equal((await ask("GET", "/v1/accounts/acme")).body.enabled, true);
  assert.equal((await ask("GET", "/v1/accounts/new")).status, 404);
  assert.deepEqual(changes(), []);
});

test("what is in use is 409, and nobody locks out himself", async (t) => {
  const { ask } = await startManagedApi(t, managedFile.replace("name: root,", "name: root, groups: [partners],"));
  const { body: root } = await ask("GET", "/v1/accounts/root");
  const { body: partners } = await ask("GET", "/v1/groups/partners");
  const attempts: [string, string, unknown][] = [
    ["DELETE", "/v1/groups/partners", undefined],
    ["DELETE", "/v1/accounts/root", undefined],
    ["PUT", "/v1/accounts/root", { ...root, enabled: false }],
    ["PUT", "/v1/accounts/root", { ...root, roles: [] }],
    ["PUT", "/v1/accounts/root", { ...root, password: undefined }],
    ["PUT", "/v1/accounts/root", { ...root, expires: "2020-01-01" }],
    ["PUT", "/v1/accounts/root", { ...root, sources: ["203.0.113.0/24"] }],
    ["PUT", "/v1/groups/partners", { ...partners, enabled: false }],
  ];
  for (const [method, path, body] of attempts) {
    const answer = await ask(method, path, { body });
    assert.deepEqual([answer.status, answer.body.code], [409, "conflict"], JSON.stringify([path, body]));
  }
  assert.equal((await ask("PUT", "/v1/accounts/root", { body: { ...root, home: "new" } })).status, 200);
});

test("without the role everything is 403 with the rule, before anything else is looked at", async (t) => {
  const { ask, events } = await startManagedApi(t);
  for (const [method, path, role] of [
    ["GET", "/v1/accounts", "admin"],
    ["GET", "/v1/accounts/nobody", "admin"],
    ["PUT", "/v1/groups/new", "admin"],
    ["DELETE", "/v1/dispatch-rules/new?colour=red", "operator or admin"],
    ["PUT", "/v1/alert-rules/new", "operator or admin"],
  ] as const) {
    const body = method === "PUT" ? "{" : undefined;
    const answer = await ask(method, path, { as: "acme", body });
    assert.deepEqual([answer.status, answer.body.rule], [403, `role ${role} is required`], path);
  }
  const denied = events.filter(({ type }) => type === "access.denied");
  assert.deepEqual(
    denied.map(({ data }) => data.action),
    ["list-accounts", "get-account", "put-group", "delete-dispatch-rule", "put-alert-rule"],
  );
});

test("an operator changes rules and nothing else", async (t) => {
  const operator = `  - { name: operator, roles: [operator], password: "${memoryPasswordHash("password")}" }\n`;
  const { ask, changes } = await startManagedApi(t, managedFile + operator);
  const as = "operator";
  const body = { when: { path: "/inbox/*.pdf" }, do: [{ move: "/outbox/" }] };
  assert.equal((await ask("PUT", "/v1/dispatch-rules/pdfs", { as, body })).status, 201);
  assert.equal((await ask("DELETE", "/v1/dispatch-rules/pdfs", { as })).status, 204);
  assert.equal((await ask("PUT", "/v1/accounts/operator", { as, body: { roles: ["admin"] } })).status, 403);
  assert.deepEqual(
    changes().map(({ account }) => account?.name),
    ["operator", "operator"],
  );
});

test("an event too large for the record tells the fields alone", async (t) => {
  const { ask, changes } = await startManagedApi(t);
  const permissions = Array.from({ length: 150 }, (_, index) => [`/${index}/${"x".repeat(900)}`, "allow-read"]);
  assert.equal((await ask("PUT", "/v1/accounts/new", { body: { permissions } })).status, 201);
  const [event] = changes();
  assert.equal(event?.data.after, undefined);
  assert.ok(JSON.stringify(event?.data.fields).includes("permissions"));
});

test("a change that could not be recorded is recorded later, once", async (t) => {
  const { ask, services, configuration, changes } = await startManagedApi(t);
  const { append } = services.accounting;
  let isFull = true;
  services.accounting.append = async (event) => {
    if (isFull && event.type === "configuration.changed") throw new Error("the disk is full");
    return append(event);
  };
  assert.equal((await ask("PUT", "/v1/accounts/new", { body: {} })).status, 500);
  assert.ok(await configuration.find("new"));
  isFull = false;
  assert.equal((await ask("PUT", "/v1/accounts/newer", { body: {} })).status, 201);
  assert.deepEqual(
    changes().map(({ data }) => data.name),
    ["new", "newer"],
  );
});
