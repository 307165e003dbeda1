import assert from "node:assert/strict";
import { test } from "node:test";
import { limits } from "../../../core/limits.ts";
import { OwnFailedLogins } from "../../../service/session/failed-logins.ts";
import { accounts, basic, startApi } from "./rig.ts";

const json = { "content-type": "application/json" };

function post(url: string, body: unknown, headers: Record<string, string> = json): Promise<Response> {
  return fetch(`${url}/v1/sessions`, { method: "POST", headers, body: JSON.stringify(body) });
}

async function login(url: string, username = "root"): Promise<string> {
  const response = await post(url, { username, password: "password" });
  assert.equal(response.status, 201);
  return ((await response.json()) as { token: string }).token;
}

const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });

async function refusal(response: Response): Promise<unknown[]> {
  const { code, field } = (await response.json()) as Record<string, unknown>;
  return field === undefined ? [response.status, code] : [response.status, code, field];
}

test("a token is one session on record from the login to the logout, whatever is asked with it", async (t) => {
  const { url, events, types } = await startApi(t);
  const response = await post(url, { username: "root", password: "password" });
  const { token, expiresAt } = (await response.json()) as { token: string; expiresAt: string };
  assert.ok(Date.parse(expiresAt) > Date.now());
  await Promise.all([1, 2, 3].map(() => fetch(`${url}/v1/files?path=/`, bearer(token))));
  const logout = await fetch(`${url}/v1/sessions/current`, { method: "DELETE", ...bearer(token) });
  assert.deepEqual([logout.status, await logout.text()], [204, ""]);
  const listed = ["directory.listed", "directory.listed", "directory.listed"];
  assert.deepEqual(types(), ["session.started", "authentication.succeeded", ...listed, "session.ended"]);
  assert.equal(new Set(events.map(({ session }) => session)).size, 1);
  assert.equal(events.at(-1)?.data.cause, "user-request");
  assert.equal(events.at(-1)?.account?.name, "root");
});

test("after the logout the token is refused, and the challenge says why", async (t) => {
  const { url } = await startApi(t);
  const token = await login(url);
  await fetch(`${url}/v1/sessions/current`, { method: "DELETE", ...bearer(token) });
  for (const target of ["/v1/files?path=/", "/v1/sessions/current"]) {
    const method = target.startsWith("/v1/sessions") ? "DELETE" : "GET";
    const response = await fetch(url + target, { method, ...bearer(token) });
    assert.equal(response.headers.get("www-authenticate"), 'Bearer realm="ferrygate", error="invalid_token"');
    assert.deepEqual(await refusal(response), [401, "authentication-failed"]);
  }
});

test("a request with Basic has no session of a token to end", async (t) => {
  const { url } = await startApi(t);
  const headers = { authorization: basic("acme") };
  const response = await fetch(`${url}/v1/sessions/current`, { method: "DELETE", headers });
  assert.deepEqual(await refusal(response), [404, "not-found"]);
});

test("a token ends with its time, on record once", async (t) => {
  let nowMs = Date.now();
  const { services } = await startApi(t);
  const runtime = { ...services.runtime, now: () => nowMs };
  const { url, tokenSessions, types, events } = await startApi(t, { runtime });
  const token = await login(url);
  nowMs += limits.tokenSessionMs;
  assert.equal((await fetch(`${url}/v1/files?path=/`, bearer(token))).status, 401);
  await Promise.all([tokenSessions.endExpired(), tokenSessions.endExpired()]);
  assert.deepEqual(types(), ["session.started", "authentication.succeeded", "session.ended"]);
  assert.equal(events.at(-1)?.data.cause, "session-timeout");
});

const changes = {
  "is disabled": { enabled: false },
  "has expired": { expiresAtMs: 0 },
  "has another password": { passwordHash: "$memory$other" },
  "has other source addresses": { sources: ["127.0.0.0/8"] },
  "may not come from here": { sources: ["192.0.2.0/24"] },
};
for (const [change, changed] of Object.entries(changes)) {
  test(`a token is refused at once when its account ${change}`, async (t) => {
    const current = [...accounts];
    const find = async (name: string) => current.find((account) => account.name === name);
    const { url, types } = await startApi(t, { accounts: { find } });
    const token = await login(url, "acme");
    assert.equal((await fetch(`${url}/v1/files?path=/`, bearer(token))).status, 200);
    current[0] = { ...(accounts[0] as (typeof accounts)[number]), ...changed };
    assert.equal((await fetch(`${url}/v1/files?path=/`, bearer(token))).status, 401);
    assert.equal(types().at(-1), "session.ended");
    current[0] = accounts[0] as (typeof accounts)[number];
    assert.equal((await fetch(`${url}/v1/files?path=/`, bearer(token))).status, 401);
  });
}

test("permissions of a token are those that its account has at the moment", async (t) => {
  const current = [...accounts];
  const find = async (name: string) => current.find((account) => account.name === name);
  const { url } = await startApi(t, { accounts: { find } });
  const token = await login(url, "acme");
  current[0] = { ...(accounts[0] as (typeof accounts)[number]), permissions: [] };
  assert.equal((await fetch(`${url}/v1/files?path=/`, bearer(token))).status, 403);
});

test("what is no login of this form is refused, and names what is wrong", async (t) => {
  const { url, events } = await startApi(t);
  const login = { username: "root", password: "password" };
  const wrong: [unknown, unknown[]][] = [
    [{ username: "root" }, [400, "invalid-argument", "password"]],
    [{ ...login, remember: true }, [400, "invalid-argument", "remember"]],
    [{ ...login, username: 7 }, [400, "invalid-argument", "username"]],
    [{ ...login, username: "\ud800" }, [400, "invalid-argument", "username"]],
    [{ ...login, password: "x".repeat(limits.passwordBytes + 1) }, [400, "invalid-argument", "password"]],
    [[login], [400, "invalid-argument"]],
    [null, [400, "invalid-argument"]],
  ];
  for (const [body, expected] of wrong) assert.deepEqual(await refusal(await post(url, body)), expected);
  assert.deepEqual(events, []);
});

test("content has to be JSON, and to say so, and not to be too long", async (t) => {
  const { url } = await startApi(t);
  const send = async (body: string, headers: Record<string, string> = json) =>
    refusal(await fetch(`${url}/v1/sessions`, { method: "POST", headers, body }));
  const login = '{"username":"root","password":"password"}';
  assert.deepEqual(await send("{"), [400, "invalid-argument"]);
  assert.deepEqual(await send(""), [400, "invalid-argument"]);
  assert.deepEqual(await send("\xff"), [400, "invalid-argument"]);
  for (const type of ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1", ""]) {
    assert.deepEqual(await send(login, { "content-type": type }), [415, "unsupported-media-type"], type);
  }
  assert.deepEqual(await send(" ".repeat(limits.httpLoginBytes + 1)), [413, "too-large"]);
  const endless = new Blob([" ".repeat(limits.httpLoginBytes + 1)]).stream();
  const init = { method: "POST", headers: json, body: endless, duplex: "half" } as RequestInit;
  assert.deepEqual(await refusal(await fetch(`${url}/v1/sessions`, init)), [413, "too-large"]);
  const accepted = await post(url, JSON.parse(login), { "content-type": "Application/JSON; charset=UTF-8" });
  assert.equal(accepted.status, 201);
});

test("an address that fails too often has to wait, whatever it tries then, except with a token", async (t) => {
  const { url, types } = await startApi(t, { failedLogins: new OwnFailedLogins() });
  const token = await login(url);
  const failures = Array.from({ length: limits.failedLogins }, (_, index) =>
    index % 2 === 0
      ? post(url, { username: "root", password: "wrong" })
      : fetch(`${url}/v1/files?path=/`, { headers: { authorization: basic("root", "wrong") } }),
  );
  for (const { status } of await Promise.all(failures)) assert.equal(status, 401);
  const before = types().length;
  const headers = { authorization: basic("root") };
  for (const response of [
    await post(url, { username: "root", password: "password" }),
    await fetch(`${url}/v1/files?path=/`, { headers }),
  ]) {
    const seconds = Number(response.headers.get("retry-after"));
    assert.ok(seconds > 0 && seconds <= limits.failedLoginsMs / 1000);
    assert.deepEqual(await refusal(response), [429, "too-many-requests"]);
  }
  assert.equal(types().length, before);
  assert.equal((await fetch(`${url}/v1/files?path=/`, bearer(token))).status, 200);
});

test("a name that is too long is refused, and its beginning is on record", async (t) => {
  const { url, events } = await startApi(t);
  const response = await post(url, { username: "n".repeat(10_000), password: "password" });
  assert.deepEqual(await refusal(response), [401, "authentication-failed"]);
  assert.ok(JSON.stringify(events).length < 3000);
  assert.equal(events[1]?.data.reason, "user-name-too-long");
});

test("an account cannot have more sessions than the limit", async (t) => {
  const { url, store } = await startApi(t);
  const peer = { address: "192.0.2.1", port: 1 };
  const session = { accountName: "acme", credentialsVersion: "", peer, startedAtMs: 0, expiresAtMs: Number.MAX_VALUE };
  for (let count = 0; count < limits.tokenSessionsPerAccount; count += 1) {
    await store.add({ ...session, sessionId: `${count}` });
  }
  assert.deepEqual(await refusal(await post(url, { username: "acme", password: "password" })), [503, "unavailable"]);
  assert.equal((await post(url, { username: "root", password: "password" })).status, 201);
});
