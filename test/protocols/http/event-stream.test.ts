import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { AccountingEvent } from "../../../core/accounting-event.ts";
import { createEventFollower } from "../../../service/audit/follow-events.ts";
import type { SessionServices } from "../../../service/session/services.ts";
import { createMemoryAccountingLog, createMemoryRuntime, testAccount } from "../../support/memory-ports.ts";
import { asAdmin, basic, startApi } from "./rig.ts";

interface Message {
  readonly id: string;
  readonly event: AccountingEvent;
}

/** Reads server-sent events one by one; undefined at the end of the stream. */
class EventReader {
  readonly response: Response;
  readonly #chunks: AsyncIterator<string>;
  #text = "";

  constructor(response: Response) {
    this.response = response;
    const body = response.body ?? new ReadableStream();
    this.#chunks = body.pipeThrough(new TextDecoderStream())[Symbol.asyncIterator]();
  }

  /** The next block of lines, comments too. */
  async block(): Promise<string | undefined> {
    for (let end = this.#text.indexOf("\n\n"); ; end = this.#text.indexOf("\n\n")) {
      if (end >= 0) {
        const block = this.#text.slice(0, end);
        this.#text = this.#text.slice(end + 2);
        return block;
      }
      const { done, value } = await this.#chunks.next();
      if (done) return undefined;
      this.#text += value;
    }
  }

  async next(): Promise<Message | undefined> {
    for (let block = await this.block(); block !== undefined; block = await this.block()) {
      const [, id, data] = /^id: (.*)\ndata: (.*)$/.exec(block) ?? [];
      if (id !== undefined && data !== undefined) return { id, event: JSON.parse(data) };
    }
    return undefined;
  }
}

let count = 0;

async function record(
  { accounting }: Pick<SessionServices, "accounting">,
  path: string,
  type: "file.copied" | "file.deleted" = "file.copied",
): Promise<void> {
  count += 1;
  const time = new Date().toISOString();
  const event = {
    id: `copied-${count}`,
    time,
    server: "test",
    protocol: "sftp",
    message: "copied",
    data: { path },
  } as const;
  await accounting.append({ ...event, type });
}

async function follow(t: TestContext, url: string, query = "", headers: Record<string, string> = {}) {
  const abort = new AbortController();
  t.after(() => abort.abort());
  const response = await fetch(`${url}/v1/events/stream?type=file.copied${query}`, {
    headers: { ...asAdmin.headers, ...headers },
    signal: abort.signal,
  });
  return { reader: new EventReader(response), abort: () => abort.abort() };
}

const pathOf = (message: Message | undefined) => message?.event.data.path;

test("events come as they are recorded, from the connection on", async (t) => {
  const { url, services } = await startApi(t);
  await services.accounting.append({
    id: "old",
    type: "file.copied",
    time: "2020-01-01T00:00:00.000Z",
    server: "test",
    protocol: "sftp",
    message: "copied",
    data: { path: "/old" },
  });
  const { reader } = await follow(t, url);
  assert.equal(reader.response.headers.get("content-type"), "text/event-stream");
  assert.equal(await reader.block(), "retry: 5000");
  await record(services, "/a");
  assert.equal(pathOf(await reader.next()), "/a");
  await record(services, "/b");
  assert.equal(pathOf(await reader.next()), "/b");
});

test("a client that comes back with the last id misses nothing and gets nothing twice", async (t) => {
  const { url, services } = await startApi(t);
  const { reader, abort } = await follow(t, url);
  for (const path of ["/a", "/b", "/c"]) await record(services, path);
  await reader.next();
  const last = await reader.next();
  abort();
  await record(services, "/d");
  const again = await follow(t, url, "", { "last-event-id": last?.id ?? "" });
  assert.deepEqual([pathOf(await again.reader.next()), pathOf(await again.reader.next())], ["/c", "/d"]);
  const byQuery = await follow(t, url, `&cursor=${last?.id}`);
  assert.equal(pathOf(await byQuery.reader.next()), "/c");
});

test("a client that comes back before anything came has its place, too", async (t) => {
  const { url, services } = await startApi(t);
  const { reader, abort } = await follow(t, url);
  await reader.block();
  const [, id = ""] = /^id: (.*)$/.exec((await reader.block()) ?? "") ?? [];
  abort();
  await record(services, "/a");
  const again = await follow(t, url, "", { "last-event-id": id });
  assert.equal(pathOf(await again.reader.next()), "/a");
});

test("since begins in the past, and filters hold", async (t) => {
  const { url, services } = await startApi(t);
  await record(services, "/in/a");
  await record(services, "/out/b");
  const { reader } = await follow(t, url, "&since=2020-01-01&path=/out/");
  assert.equal(pathOf(await reader.next()), "/out/b");
});

test("what is wrong with the request is an error before the stream begins", async (t) => {
  const { url } = await startApi(t);
  const status = async (query: string, headers: Record<string, string> = asAdmin.headers) =>
    (await fetch(`${url}/v1/events/stream${query}`, { headers })).status;
  assert.equal(await status("", { authorization: basic("acme") }), 403);
  assert.equal(await status("", {}), 401);
  for (const query of ["?limit=1", "?until=2026-01-01", "?order=desc", "?type=none", "?colour=red"]) {
    assert.equal(await status(query), 400, query);
  }
});

test("silence is broken by comments", async (t) => {
  const accounting = createMemoryAccountingLog();
  const runtime = createMemoryRuntime();
  let tick = () => {};
  const every = (_: number, action: () => void) => {
    tick = action;
    return () => {};
  };
  const followEvents = createEventFollower({
    accounting,
    feed: accounting,
    runtime: { now: runtime.now, every },
    isStopping: () => false,
  });
  const { url } = await startApi(t, { accounting }, { followEvents });
  const { reader } = await follow(t, url);
  await reader.block();
  assert.equal(await reader.block(), "id: 2");
  await record({ accounting }, "/a", "file.deleted");
  tick();
  assert.equal(await reader.block(), ": nothing new\nid: 3");
});

test("the stream ends with the server", async (t) => {
  const accounting = createMemoryAccountingLog();
  let isStopping = false;
  const runtime = createMemoryRuntime();
  const followEvents = createEventFollower({ accounting, feed: accounting, runtime, isStopping: () => isStopping });
  const { url } = await startApi(t, { accounting }, { followEvents });
  const { reader } = await follow(t, url);
  await reader.block();
  isStopping = true;
  await record({ accounting }, "/last");
  assert.equal(pathOf(await reader.next()), "/last");
  assert.equal(await reader.next(), undefined);
});

test("a disabled account, or one that loses the role, loses the stream, and the session ends", async (t) => {
  for (const change of [{ enabled: false }, { roles: [] }]) {
    let root = testAccount({ name: "root", roles: ["admin"] });
    const { url, registry, services, types } = await startApi(t, { accounts: { find: async () => root } });
    const { reader } = await follow(t, url);
    await reader.block();
    root = { ...root, ...change };
    await registry.review();
    await record(services, "/secret");
    assert.equal(await reader.next(), undefined);
    assert.ok(types().includes("session.ended"));
  }
});

test("a client that goes away ends its session", async (t) => {
  const accounting = createMemoryAccountingLog();
  const { url } = await startApi(t, { accounting });
  const { reader, abort } = await follow(t, url);
  await reader.block();
  const ended = new Promise<void>((resolve) => {
    accounting.onAppend(() => {
      if (accounting.events.at(-1)?.type === "session.ended") resolve();
    });
  });
  abort();
  await ended;
});
