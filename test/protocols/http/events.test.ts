import assert from "node:assert/strict";
import { test } from "node:test";
import type { AccountingEvent, EventType } from "../../../core/accounting-event.ts";
import type { SessionServices } from "../../../service/session/services.ts";
import { asAdmin, startApi } from "./rig.ts";

interface Page {
  readonly events: readonly AccountingEvent[];
  readonly cursor?: string;
}

async function record(services: SessionServices, count: number, type: EventType = "file.deleted"): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    const time = new Date(Date.UTC(2026, 0, 1, 0, index)).toISOString();
    const data = { path: `/inbox/${index}` };
    await services.accounting.append({
      id: `${type}-${index}`,
      type,
      time,
      server: "test",
      account: { name: index % 2 === 0 ? "even" : "odd", groups: [] },
      protocol: "sftp",
      peer: { address: "203.0.113.9", port: 50_000 },
      message: `event ${index}`,
      data,
    });
  }
}

async function ask(url: string, query: string): Promise<Page> {
  const response = await fetch(`${url}/v1/events${query}`, asAdmin);
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("content-type"), "application/json");
  return (await response.json()) as Page;
}

const paths = ({ events }: Page) => events.map(({ data }) => data.path);

test("events come as they were recorded, the newest last unless asked otherwise", async (t) => {
  const { url, services, events } = await startApi(t);
  await record(services, 3);
  const page = await ask(url, "?type=file.deleted");
  assert.deepEqual(page, { events: events.slice(0, 3) });
  assert.deepEqual(paths(await ask(url, "?type=file.deleted&order=desc")), ["/inbox/2", "/inbox/1", "/inbox/0"]);
});

test("filters reach the record", async (t) => {
  const { url, services } = await startApi(t);
  await record(services, 4);
  const filtered = async (query: string) => paths(await ask(url, `?type=file.deleted&${query}`));
  assert.deepEqual(await filtered("account=odd"), ["/inbox/1", "/inbox/3"]);
  assert.deepEqual(await filtered("path=/inbox/2"), ["/inbox/2"]);
  assert.deepEqual(await filtered("path=/inbox"), []);
  assert.deepEqual((await filtered("path=/inbox/")).length, 4);
  assert.deepEqual(await filtered("path=/*/2"), ["/inbox/2"]);
  assert.deepEqual(await filtered("peer=203.0.113.8"), []);
  assert.deepEqual(await filtered("since=2026-01-01T00:01&until=2026-01-01T02:03%2B02:00"), ["/inbox/1", "/inbox/2"]);
});

test("the cursor leads through every event once, in the body and in the Link", async (t) => {
  const { url, services } = await startApi(t);
  await record(services, 7);
  const seen: unknown[] = [];
  let query: string | undefined = "?type=file.deleted&limit=3";
  let cursor: string | undefined;
  let pages = 0;
  while (query !== undefined) {
    const response = await fetch(`${url}/v1/events${query}`, asAdmin);
    const page = (await response.json()) as Page;
    seen.push(...paths(page));
    cursor = page.cursor;
    query = /^<(\?[^>]*)>; rel="next"$/.exec(response.headers.get("link") ?? "")?.[1];
    assert.equal(new URLSearchParams(query).get("cursor") ?? undefined, cursor);
    pages += 1;
  }
  assert.equal(pages, 3);
  assert.deepEqual(
    seen,
    [0, 1, 2, 3, 4, 5, 6].map((index) => `/inbox/${index}`),
  );
});

test("a page has a hundred events unless asked otherwise", async (t) => {
  const { url, services } = await startApi(t);
  await record(services, 101);
  const { events, cursor } = await ask(url, "?type=file.deleted");
  assert.equal(events.length, 100);
  assert.equal(typeof cursor, "string");
});

test("application/x-ndjson has one event a line, and the Link to the next page", async (t) => {
  const { url, services, events } = await startApi(t);
  await record(services, 3);
  const headers = { ...asAdmin.headers, accept: "application/x-ndjson" };
  const response = await fetch(`${url}/v1/events?type=file.deleted&limit=2`, { headers });
  assert.equal(response.headers.get("content-type"), "application/x-ndjson");
  assert.match(response.headers.get("link") ?? "", /^<\?.*cursor=.*>; rel="next"$/);
  const lines = (await response.text()).split("\n");
  assert.equal(lines.pop(), "");
  assert.deepEqual(
    lines.map((line) => JSON.parse(line)),
    events.slice(0, 2),
  );
  const empty = await fetch(`${url}/v1/events?type=scan.clean`, { headers });
  assert.deepEqual([empty.status, await empty.text()], [200, ""]);
});

test("the media type that a client prefers decides, and JSON where it has no preference", async (t) => {
  const { url } = await startApi(t);
  const mediaType = async (accept: string) => {
    const response = await fetch(`${url}/v1/events`, { headers: { ...asAdmin.headers, accept } });
    assert.equal(response.headers.get("vary"), "accept");
    return response.headers.get("content-type");
  };
  for (const accept of [
    "*/*",
    "application/json",
    "text/html",
    "application/*",
    "application/x-ndjson;q=0.5, application/json",
  ]) {
    assert.equal(await mediaType(accept), "application/json", accept);
  }
  for (const accept of ["application/x-ndjson", "Application/X-NDJSON", "application/x-ndjson, */*;q=0.1"]) {
    assert.equal(await mediaType(accept), "application/x-ndjson", accept);
  }
});

test("reading events leaves the three events of its own session and nothing else", async (t) => {
  const { url, types, events } = await startApi(t);
  await ask(url, "?limit=10");
  await ask(url, "?type=file.deleted");
  const one = ["session.started", "authentication.succeeded", "session.ended"];
  assert.deepEqual(types(), [...one, ...one]);
  assert.equal(new Set(events.map(({ session }) => session)).size, 2);
  assert.deepEqual(events[2]?.data.cause, "user-request");
});

test("a query that cannot be read is 400 with the parameter as field", async (t) => {
  const { url } = await startApi(t);
  for (const [query, field] of [
    ["?colour=red", "colour"],
    ["?limit=0", "limit"],
    ["?type=nonsense", "type"],
  ]) {
    const response = await fetch(`${url}/v1/events${query}`, asAdmin);
    const problem = (await response.json()) as Record<string, unknown>;
    assert.deepEqual([response.status, problem.code, problem.field], [400, "invalid-argument", field]);
  }
});
