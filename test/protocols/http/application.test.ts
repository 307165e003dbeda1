import assert from "node:assert/strict";
import { test } from "node:test";
import { FileError, type FileErrorCode } from "../../../core/errors.ts";
import { asAdmin, basic, exchangeRaw, startApi } from "./rig.ts";

const problemType = "application/problem+json";
const statuses: Readonly<Record<FileErrorCode, number>> = {
  "not-found": 404,
  "permission-denied": 403,
  "already-exists": 409,
  "not-a-file": 409,
  "not-a-directory": 409,
  "directory-not-empty": 409,
  "invalid-path": 400,
  "invalid-argument": 400,
  unsupported: 422,
  "too-large": 413,
  "quota-exceeded": 507,
  "precondition-failed": 412,
  integrity: 422,
  unavailable: 503,
};

/** Without those that belong to the connection and the moment. */
function ownHeaders({ headers }: Response): unknown {
  return [...headers].filter(([name]) => !["connection", "keep-alive", "date"].includes(name));
}

test("health and readiness are answered without credentials and leave no events", async (t) => {
  let status: "starting" | "ready" | "draining" = "starting";
  const { url, events } = await startApi(t, {}, { readiness: () => status });
  const ask = async (path: string) => {
    const response = await fetch(`${url}${path}`);
    return [response.status, await response.json()];
  };
  assert.deepEqual(await ask("/health"), [200, { status: "ok" }]);
  assert.deepEqual(await ask("/ready"), [503, { status: "starting" }]);
  status = "ready";
  assert.deepEqual(await ask("/ready"), [200, { status: "ready" }]);
  status = "draining";
  assert.deepEqual(await ask("/ready"), [503, { status: "draining" }]);
  assert.deepEqual(await ask("/health"), [200, { status: "ok" }]);
  assert.deepEqual(events, []);
});

test("HEAD has the status and the headers of GET, and no content", async (t) => {
  const { url } = await startApi(t);
  for (const path of ["/health", "/ready", "/nowhere", "/v1/events"]) {
    const [get, head] = await Promise.all([fetch(url + path), fetch(url + path, { method: "HEAD" })]);
    assert.equal(head.status, get.status, path);
    assert.deepEqual(ownHeaders(head), ownHeaders(get), path);
    assert.equal(head.headers.get("content-length"), `${(await get.arrayBuffer()).byteLength}`);
    assert.equal((await head.arrayBuffer()).byteLength, 0);
  }
});

test("TRACE is 405 with what is allowed, and sends nothing back", async (t) => {
  const { url } = await startApi(t);
  const answer = await exchangeRaw(
    url,
    "TRACE /v1/files HTTP/1.1\r\nHost: a\r\nX: mirror\r\nConnection: close\r\n\r\n",
  );
  assert.match(answer, /^HTTP\/1\.1 405 .*\r\nallow: GET, HEAD, PUT, DELETE\r\n/is);
  assert.doesNotMatch(answer, /mirror/);
});

test("an unknown path is 404, and an unknown method 405 with what is allowed, before anybody logs in", async (t) => {
  const { url, events } = await startApi(t);
  for (const path of ["/", "/v1", "/v1/nowhere", "/v1/events/", "/health/../nowhere", "//v1/events"]) {
    const response = await fetch(url + path, asAdmin);
    const { code } = (await response.json()) as { code: string };
    assert.deepEqual([response.status, code], [404, "unknown-route"], path);
  }
  for (const method of ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"]) {
    const response = await fetch(`${url}/v1/events`, { method });
    const { code } = (await response.json()) as { code: string };
    assert.deepEqual([response.status, code], [405, "method-not-allowed"], method);
    assert.equal(response.headers.get("allow"), "GET, HEAD");
  }
  assert.deepEqual(events, []);
});

test("a missing or unreadable Authorization header is challenged, without a session", async (t) => {
  const { url, events } = await startApi(t);
  for (const authorization of [undefined, "", "Digest abc", "Basic @", `Basic ${btoa("no colon")}`]) {
    const headers = authorization === undefined ? {} : { authorization };
    const response = await fetch(`${url}/v1/events`, { headers });
    assert.equal(response.status, 401);
    assert.equal(response.headers.get("www-authenticate"), 'Basic realm="ferrygate", charset="UTF-8"');
    assert.equal(response.headers.get("content-type"), problemType);
    const { type, title, status, code } = (await response.json()) as Record<string, unknown>;
    assert.deepEqual([type, title, status, code], ["about:blank", "Unauthorized", 401, "authentication-required"]);
  }
  assert.deepEqual(events, []);
});

test("every refused login is on record once, and the client does not hear the reason", async (t) => {
  const { url, events, types, registry } = await startApi(t);
  const bodies = new Set<string>();
  for (const authorization of [basic("root", "wrong"), basic("nobody"), basic("root:", "password")]) {
    const response = await fetch(`${url}/v1/events`, { headers: { authorization, "user-agent": "probe/1.0" } });
    assert.equal(response.status, 401);
    assert.match(response.headers.get("www-authenticate") ?? "", /^Basic /);
    bodies.add(await response.text());
  }
  assert.equal(bodies.size, 1);
  assert.equal(JSON.parse([...bodies].join()).code, "authentication-failed");
  const one = ["session.started", "authentication.failed", "session.ended"];
  assert.deepEqual(types(), [...one, ...one, ...one]);
  const [started, failed] = events;
  assert.deepEqual(
    [started?.protocol, started?.peer?.address, started?.data.clientVersion],
    ["https", "127.0.0.1", "probe/1.0"],
  );
  assert.deepEqual([failed?.account?.name, failed?.data.reason], ["root", "wrong-password"]);
  assert.equal(JSON.stringify(events).includes('wrong"'), false);
  assert.equal(registry.count, 0);
});

test("names and passwords are read as UTF-8", async (t) => {
  const { url, events } = await startApi(t);
  await fetch(`${url}/v1/events`, { headers: { authorization: basic("Žofie", "日本") } });
  assert.equal(events[1]?.account?.name, "Žofie");
});

test("an account without the role is refused with the rule, on record", async (t) => {
  const { url, events, types } = await startApi(t);
  const response = await fetch(`${url}/v1/events?limit=nonsense`, { headers: { authorization: basic("acme") } });
  assert.equal(response.status, 403);
  assert.deepEqual(await response.json(), {
    type: "about:blank",
    title: "Forbidden",
    status: 403,
    code: "permission-denied",
    detail: "permission denied: role auditor or admin is required",
    rule: "role auditor or admin is required",
  });
  assert.deepEqual(types(), ["session.started", "authentication.succeeded", "access.denied", "session.ended"]);
  assert.deepEqual(events[2]?.data, { action: "read-events", rule: "role auditor or admin is required" });
  assert.equal(events[2]?.account?.name, "acme");
});

test("every code of a FileError has its status, and its message, rule and field are passed on", async (t) => {
  for (const [code, status] of Object.entries(statuses)) {
    const failure = new FileError(code as FileErrorCode, "one clear sentence", { rule: "a rule", field: "a field" });
    const { url, services } = await startApi(t, {}, { readEvents: async () => Promise.reject(failure) });
    const response = await fetch(`${url}/v1/events`, asAdmin);
    assert.equal(response.status, status, code);
    assert.equal(response.headers.get("content-type"), problemType);
    const document = (await response.json()) as Record<string, unknown>;
    const { title, ...rest } = document;
    assert.notEqual(title, "");
    const detail = "one clear sentence";
    assert.deepEqual(rest, { type: "about:blank", status, code, detail, field: "a field", rule: "a rule" });
    assert.equal(response.headers.has("retry-after"), status === 503);
    assert.deepEqual(services.runtime.logged, []);
  }
});

test("any other failure is logged with the session, and its message stays inside", async (t) => {
  const failure = new Error("secret at /srv/data");
  const { url, services, events, types } = await startApi(t, {}, { readEvents: async () => Promise.reject(failure) });
  const response = await fetch(`${url}/v1/events`, asAdmin);
  const text = await response.text();
  assert.deepEqual([response.status, JSON.parse(text).code], [500, "internal"]);
  assert.doesNotMatch(text, /secret|srv|at /);
  assert.equal(services.runtime.logged.length, 1);
  const { fields } = services.runtime.logged[0] ?? {};
  assert.equal((fields as { session: string }).session, events[0]?.session);
  assert.match((fields as { error: string }).error, /secret at \/srv\/data/);
  assert.equal(types().at(-1), "session.ended");
});

test("a failure to check the password is 503, and the session ends all the same", async (t) => {
  const busy = new FileError("unavailable", "too many logins at the same time");
  const passwords = { verify: async () => Promise.reject(busy), hash: async () => "" };
  const { url, types } = await startApi(t, { passwords });
  const response = await fetch(`${url}/v1/events`, asAdmin);
  assert.equal(response.status, 503);
  assert.equal(response.headers.get("retry-after"), "5");
  assert.deepEqual(types(), ["session.started", "session.ended"]);
});

test("a session that the server ends is answered at once with 503", async (t) => {
  const reading = Promise.withResolvers<void>();
  const readEvents = () => {
    reading.resolve();
    return new Promise<never>(() => {});
  };
  const { url, registry, types } = await startApi(t, {}, { readEvents });
  const asked = fetch(`${url}/v1/events`, asAdmin);
  await reading.promise;
  await registry.endAll("admin-reboot");
  const response = await asked;
  assert.equal(response.status, 503);
  assert.equal(((await response.json()) as { detail: string }).detail, "the server is stopping");
  assert.deepEqual(types(), ["session.started", "authentication.succeeded", "session.ended"]);
});

test("no answer is kept, sniffed or framed by a browser", async (t) => {
  const { url } = await startApi(t);
  for (const path of ["/health", "/nowhere", "/v1/events"]) {
    const { headers } = await fetch(url + path, asAdmin);
    assert.equal(headers.get("cache-control"), "no-store");
    assert.equal(headers.get("x-content-type-options"), "nosniff");
    assert.match(headers.get("content-security-policy") ?? "", /default-src 'none'/);
    assert.equal(headers.get("x-powered-by"), null);
  }
});
