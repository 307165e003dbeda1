import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiClient } from "../../client/api-client.ts";
import { followEvents, readEvents } from "../../client/events.ts";
import { ProblemError } from "../../client/problem.ts";
import { login, logout } from "../../client/session.ts";
import { createEventGlance } from "../../service/audit/follow-events.ts";
import { startApi } from "../protocols/http/rig.ts";
import { createMemoryAccountingLog, createMemoryRuntime } from "../support/memory-ports.ts";

test("a login gives a client that acts as the account until the logout", async (t) => {
  const { url } = await startApi(t);
  const client = await login({ url, username: "acme", password: "password" });
  const { status, body } = await client.call("getFile", { query: { path: "/" } });
  assert.equal(status, 200);
  assert.deepEqual(body, { entries: [] });
  await logout(client);
  await assert.rejects(client.call("getFile", { query: { path: "/" } }), {
    status: 401,
    code: "authentication-failed",
  });
});

test("what is refused says the code, the field and the rule of the problem document", async (t) => {
  const { url } = await startApi(t);
  const client = new ApiClient({ url: `${url}/`, credentials: { username: "acme", password: "password" } });
  const unread = await client.call("getFile", { query: { path: "/a" } }).catch((error: unknown) => error);
  assert.ok(unread instanceof ProblemError);
  assert.deepEqual([unread.status, unread.code], [404, "not-found"]);
  const wrong = await client.call("getFile", { query: { path: "/", limit: 0 } }).catch((error: unknown) => error);
  assert.ok(wrong instanceof ProblemError);
  assert.deepEqual([wrong.status, wrong.problem.field], [400, "limit"]);
});

test("an entry is compared, put, read and deleted, and a name that needs encoding is no other path", async (t) => {
  const { url } = await startApi(t);
  const root = new ApiClient({ url, credentials: { username: "root", password: "password" } });
  await assert.rejects(root.call("getGroup", { parameters: { name: "a b/ü?" } }), { status: 404, code: "not-found" });
  const group = { parameters: { name: "partners" }, body: { name: "partners", permissions: [["allow-list"]] } };
  const trial = await root.call("putGroup", { ...group, query: { dryRun: true } });
  assert.ok("operation" in trial.body);
  assert.equal(trial.body.operation, "created");
  assert.equal((await root.call("putGroup", group)).status, 201);
  const { headers } = await root.call("getGroup", { parameters: group.parameters });
  const known = { "If-None-Match": headers.get("etag") ?? "" };
  assert.equal((await root.call("getGroup", { parameters: group.parameters, headers: known })).status, 304);
  assert.equal((await root.call("deleteGroup", { parameters: group.parameters })).status, 204);
});

test("the record is read page after page", async (t) => {
  const { url, events } = await startApi(t);
  const root = await login({ url, username: "root", password: "password" });
  for (let count = 0; count < 5; count += 1) await root.call("getFile", { query: { path: "/" } });
  const types: string[] = [];
  const selection = { type: ["directory.listed", "session.started"], limit: "2" };
  for await (const { type } of readEvents(root, selection)) types.push(type);
  const expected = events.map(({ type }) => type).filter((type) => selection.type.includes(type));
  assert.deepEqual(types, expected);
  assert.equal(types.length, 6);
});

test("the record is followed over answers that end and connections that break, each event once", async (t) => {
  const accounting = createMemoryAccountingLog();
  const glance = createEventGlance({ accounting, runtime: createMemoryRuntime() }, 500);
  const { url } = await startApi(t, { accounting }, { followEvents: glance });
  let requests = 0;
  const credentials = { username: "root", password: "password" };
  /** Each answer ends with what is there; every second connection is lost in the middle of its last event. */
  const flaky: typeof fetch = async (...request) => {
    requests += 1;
    const response = await fetch(...request);
    const text = (await response.text()).replace(/^retry: \d+/, "retry: 1");
    const last = text.lastIndexOf("data: ");
    if (requests % 2 === 0 || last < 0) return new Response(text, response);
    const parts = [text.slice(0, last + 10)];
    const pull = (controller: ReadableStreamDefaultController<Uint8Array>) => {
      const part = parts.shift();
      if (part === undefined) controller.error(new TypeError("terminated"));
      else controller.enqueue(new TextEncoder().encode(part));
    };
    return new Response(new ReadableStream({ pull }), response);
  };
  const client = new ApiClient({ url, credentials, fetch: flaky });
  const append = (path: string) =>
    accounting.append({
      id: path,
      type: "file.copied",
      time: new Date().toISOString(),
      server: "test",
      protocol: "sftp",
      message: "copied",
      data: { path },
    });
  const seen: string[] = [];
  const positions: string[] = [];
  const selection = { type: "file.copied" };
  const paths = Array.from({ length: 20 }, (_, index) => `/${index}`);
  const following = async () => {
    for await (const { event, position } of followEvents(client, selection)) {
      seen.push(event.id);
      positions.push(position);
      if (seen.length === paths.length) break;
    }
  };
  const done = following();
  while (requests < 2) await new Promise((resolve) => setTimeout(resolve, 1));
  for (const path of paths) {
    await append(path);
    if (path.endsWith("5")) while (!seen.includes(path)) await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await done;
  assert.deepEqual(seen, paths);
  const rest = followEvents(client, selection, { behind: positions[17] });
  assert.equal((await rest.next()).value?.event.id, "/18");
  await rest.return();
  const signal = AbortSignal.abort(new Error("enough"));
  await assert.rejects(followEvents(client, selection, { signal }).next(), /enough/);
  const other = new ApiClient({ url, credentials: { ...credentials, username: "acme" } });
  await assert.rejects(followEvents(other).next(), { status: 403 });
});
