import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import fc from "fast-check";
import { type AccountingEvent, type EventType, eventTypes } from "../../core/accounting-event.ts";
import { FileError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import type { AccountingLog, EventQuery } from "../../ports/accounting-log.ts";
import { refuses } from "./refusal.ts";

/** A log with nothing in it, and what a suite needs around it. */
export interface LogUnderTest {
  readonly log: AccountingLog;
  /** The same record through a new instance. */
  reopen(): Promise<AccountingLog>;
  dispose(): Promise<void>;
  /** Bytes that it holds until they are durable; limits.queuedEventBytes by default. */
  readonly queuedBytes?: number;
  /** How many events a test of many takes, where each is slow. */
  readonly events?: number;
  /** How many searches are held against the simple filter. */
  readonly searches?: number;
}

const firstMs = Date.UTC(2026, 0, 1);

/** An event of the `index`th second; `changes` replaces parts of it. */
export function eventOf(index: number, changes: Partial<AccountingEvent> = {}): AccountingEvent {
  return {
    id: `event-${index}`,
    type: "session.started",
    time: new Date(firstMs + index * 1000).toISOString(),
    server: "test",
    protocol: "sftp",
    message: `event ${index}`,
    data: {},
    ...changes,
  };
}

/** Every matching event, read in pages of `limit`. */
export async function allOf(log: AccountingLog, query: Omit<EventQuery, "limit" | "cursor">, limit = 1000) {
  const events: AccountingEvent[] = [];
  let cursor: string | undefined;
  do {
    const page = await log.query({ ...query, limit, cursor });
    assert.ok(page.events.length <= limit);
    assert.ok(page.events.length === limit || page.cursor === undefined);
    events.push(...page.events);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return events;
}

/** What every AccountingLog has to do, whatever it stands on. */
export function accountingLogContract(name: string, create: () => Promise<LogUnderTest>): void {
  describe(name, () => {
    let tested: LogUnderTest;
    let log: AccountingLog;
    beforeEach(async () => {
      tested = await create();
      log = tested.log;
    });
    afterEach(() => tested.dispose());
    const appendAll = (events: readonly AccountingEvent[]) => Promise.all(events.map((event) => log.append(event)));
    const idsOf = async (query: Omit<EventQuery, "limit">) => (await allOf(log, query)).map(({ id }) => id);

    it("gives back what was appended, to others as well", async () => {
      const event = eventOf(1, {
        type: "transfer.completed",
        account: { name: "acme", groups: ["partners"] },
        session: "s1",
        peer: { address: "2001:db8::1", port: 50_123 },
        message: "naïve \u{1f600} \u2028 \0 quotes \" ' and back\\slashes",
        data: { path: "/inbox/a b.pdf", bytes: 2 ** 52, nested: { list: [1, null, false] } },
      });
      await log.append(event);
      assert.deepEqual(await log.find(event.id), event);
      assert.deepEqual(await (await tested.reopen()).find(event.id), event);
      assert.deepEqual(await allOf(log, {}), [event]);
    });

    it("finds nothing under an id that was never appended", async () => {
      assert.equal(await log.find("missing"), undefined);
      const { reached, ...page } = await log.query({ limit: 10 });
      assert.deepEqual(page, { events: [], cursor: undefined, cursors: [] });
      assert.ok(reached);
    });

    it("takes an id once, also when it comes again at the same time", async () => {
      const event = eventOf(1);
      await Promise.all([event, { ...event, message: "again" }, event].map((each) => log.append(each)));
      await log.append({ ...event, message: "later" });
      assert.deepEqual(await allOf(log, {}), [event]);
    });

    it("keeps the order of the appends, whatever the times say", async () => {
      const events = [3, 1, 2, 5, 4].map((index) => eventOf(index));
      await appendAll(events);
      assert.deepEqual(await allOf(log, {}), events);
      assert.deepEqual(await allOf(log, { order: "desc" }), events.toReversed());
    });

    it("reads in pages of any length", async () => {
      const events = Array.from({ length: 7 }, (_, index) => eventOf(index));
      await appendAll(events);
      for (const limit of [1, 2, 3, 6, 7, 8]) {
        assert.deepEqual(await allOf(log, {}, limit), events);
        assert.deepEqual(await allOf(log, { order: "desc" }, limit), events.toReversed());
      }
    });

    it("goes on from a cursor while new events arrive", async () => {
      await appendAll([0, 1, 2, 3].map((index) => eventOf(index)));
      const forward = await log.query({ limit: 2 });
      const backward = await log.query({ limit: 2, order: "desc" });
      await appendAll([eventOf(4), eventOf(-1)]);
      const later = await (await tested.reopen()).query({ limit: 10, cursor: forward.cursor });
      assert.deepEqual(
        later.events.map(({ id }) => id),
        ["event-2", "event-3", "event-4", "event--1"],
      );
      const earlier = await log.query({ limit: 10, order: "desc", cursor: backward.cursor });
      assert.deepEqual(
        earlier.events.map(({ id }) => id),
        ["event-1", "event-0"],
      );
    });

    it("says how far it has looked, also where nothing was found", async () => {
      const behind = async (cursor: string | undefined) =>
        (await log.query({ limit: 10, cursor })).events.map(({ id }) => id);
      const { reached: start } = await log.query({ limit: 10 });
      await appendAll([0, 1, 2].map((index) => eventOf(index)));
      assert.deepEqual(await behind(start), ["event-0", "event-1", "event-2"]);
      const first = await log.query({ limit: 2 });
      assert.equal(first.reached, first.cursor);
      assert.equal((await log.query({ limit: 2, order: "desc" })).reached, undefined);
      for (const query of [{ account: "nobody" }, { types: ["alert.sent" as const] }, { cursor: first.cursor }]) {
        assert.deepEqual(await behind((await log.query({ limit: 10, ...query })).reached), []);
      }
      const { reached } = await log.query({ limit: 10, account: "nobody" });
      const again = await log.query({ limit: 10, cursor: reached });
      await log.append(eventOf(3));
      assert.deepEqual([await behind(reached), await behind(again.reached)], [["event-3"], ["event-3"]]);
    });

    it("refuses cursors, times and limits that it cannot read", async () => {
      await appendAll([0, 1, 2].map((index) => eventOf(index)));
      const { cursor = "" } = await log.query({ limit: 1 });
      const queries: EventQuery[] = [
        { limit: 0 },
        { limit: limits.eventPageEntries + 1 },
        { limit: 1.5 },
        { limit: 1, since: "yesterday" },
        { limit: 1, until: "2026-02-30" },
        { limit: 1, cursor, order: "desc" },
        ...["", "x", "AAAA", `${cursor}A`, `${cursor}=`, `%${cursor}`].map((other) => ({ limit: 1, cursor: other })),
      ];
      for (const query of queries) await refuses("invalid-argument", log.query(query));
    });

    it("takes `since` in and leaves `until` out, in every form of ISO 8601", async () => {
      await appendAll([0, 1, 2, 3].map((index) => eventOf(index)));
      await log.append(eventOf(1.5));
      assert.deepEqual(await idsOf({ since: "2026-01-01T00:00:01Z", until: "2026-01-01T00:00:02Z" }), [
        "event-1",
        "event-1.5",
      ]);
      assert.deepEqual(await idsOf({ since: "2026-01-01T01:00:02.000+01:00" }), ["event-2", "event-3"]);
      assert.deepEqual(await idsOf({ until: "2026-01-01" }), []);
      assert.equal((await idsOf({ since: "2026-01-01" })).length, 5);
    });

    it("filters by type, account and peer", async () => {
      const account = (name: string) => ({ account: { name, groups: [] } });
      const peer = (address: string) => ({ peer: { address, port: 1 } });
      await appendAll([
        eventOf(0, { type: "alert.sent", ...account("acme"), ...peer("192.0.2.1") }),
        eventOf(1, { type: "alert.failed", ...account("acme") }),
        eventOf(2, { type: "alert.sent", ...account("ACME"), ...peer("192.0.2.10") }),
        eventOf(3),
      ]);
      assert.deepEqual(await idsOf({ types: ["alert.sent"] }), ["event-0", "event-2"]);
      assert.deepEqual(await idsOf({ types: ["alert.sent", "alert.failed"] }), ["event-0", "event-1", "event-2"]);
      assert.deepEqual(await idsOf({ types: [] }), []);
      assert.deepEqual(await idsOf({ account: "acme" }), ["event-0", "event-1"]);
      assert.deepEqual(await idsOf({ account: "acm_" }), []);
      assert.deepEqual(await idsOf({ peer: "192.0.2.1" }), ["event-0"]);
      assert.deepEqual(await idsOf({ account: "acme", types: ["alert.failed"] }), ["event-1"]);
    });

    it("finds a path exactly, or everything below it, byte by byte", async () => {
      const paths = ["/in", "/in/a", "/in/a%", "/in/A", "/in/b/c", "/in0", "/in-", "/in/é", "/i_/a", "/in/\u{1f600}"];
      await appendAll(paths.map((path, index) => eventOf(index, { data: { path } })));
      await log.append(eventOf(99));
      const found = async (path: string) => (await allOf(log, { path })).map(({ data }) => data.path);
      for (const path of paths) assert.deepEqual(await found(path), [path]);
      assert.deepEqual(await found("/in/"), ["/in/a", "/in/a%", "/in/A", "/in/b/c", "/in/é", "/in/\u{1f600}"]);
      assert.deepEqual(await found("/in/a/"), []);
      assert.deepEqual(await found("/"), paths);
      assert.deepEqual(await found("/in/*"), await found("/in/"));
      assert.deepEqual(await found("/*a"), ["/in/a", "/i_/a"]);
      assert.deepEqual(await found("/in*"), paths.slice(0, 8).concat("/in/\u{1f600}"));
      assert.deepEqual(await found("/*n/*/"), ["/in/b/c"]);
      for (const nothing of ["/in/?", "/in/[a]", "/IN/*", "/*z", "/in/a*a"]) assert.deepEqual(await found(nothing), []);
    });

    it("finds renamed and copied files by both of their paths, once", async () => {
      const data = { path: "/out/b", from: "/in/a", to: "/out/b" };
      await appendAll([
        eventOf(0, { type: "file.renamed", data }),
        eventOf(1, { type: "file.copied", data: { ...data, path: "/in/a", to: "/in/c" } }),
      ]);
      assert.deepEqual(await idsOf({ path: "/in/a" }), ["event-0", "event-1"]);
      assert.deepEqual(await idsOf({ path: "/out/b" }), ["event-0"]);
      assert.deepEqual(await idsOf({ path: "/in/" }), ["event-0", "event-1"]);
      assert.deepEqual(await idsOf({ path: "/" }), ["event-0", "event-1"]);
    });

    it("knows the transfers without an end, oldest first", async () => {
      const transfer = (index: number, type: EventType, transferId: string) =>
        eventOf(index, { type, data: { transferId, path: "/a" } });
      await appendAll([
        transfer(0, "transfer.started", "z"),
        transfer(1, "transfer.started", "y"),
        transfer(2, "transfer.started", "x"),
        transfer(3, "transfer.completed", "y"),
        transfer(4, "transfer.started", "w"),
        transfer(5, "transfer.aborted", "w"),
        transfer(6, "scan.clean", "x"),
      ]);
      await log.append(transfer(1, "transfer.started", "y"));
      const started = [transfer(0, "transfer.started", "z"), transfer(2, "transfer.started", "x")];
      assert.deepEqual(
        await log.unfinishedTransfers(),
        started.map((event) => ({ started: event })),
      );
      await log.append(transfer(7, "transfer.aborted", "z"));
      assert.equal((await (await tested.reopen()).unfinishedTransfers()).length, 1);
    });

    it("knows the sessions without an end, oldest first", async () => {
      const event = (index: number, type: EventType, session?: string) =>
        eventOf(index, { type, ...(session !== undefined && { session }), data: {} });
      await appendAll([
        event(0, "session.started", "old"),
        event(1, "server.started"),
        event(2, "session.started", "b"),
        event(3, "server.started"),
        event(4, "session.started", "a"),
        event(5, "session.started", "c"),
        event(6, "session.ended", "c"),
        event(7, "directory.listed", "a"),
      ]);
      const sessions = (await log.unfinishedSessions()).map(({ session }) => session);
      assert.deepEqual(sessions.slice(-2), ["b", "a"]);
      await log.append(event(8, "session.ended", "b"));
      const left = (await (await tested.reopen()).unfinishedSessions()).map(({ session }) => session);
      assert.deepEqual(left, sessions.toSpliced(-2, 1));
    });

    it("accepts events up to the limit of their size and refuses larger ones", async () => {
      const bytes = Buffer.byteLength(JSON.stringify(eventOf(1, { message: "" })));
      const largest = eventOf(1, { message: "x".repeat(limits.eventBytes - bytes) });
      await log.append(largest);
      assert.deepEqual(await log.find("event-1"), largest);
      await refuses("invalid-argument", log.append({ ...largest, id: "event-12" }));
    });

    it("finishes what was appended before it is closed, and refuses everything afterwards", async () => {
      const events = Array.from({ length: tested.events ?? 200 }, (_, index) => eventOf(index));
      const appended = Promise.all(events.map((event) => log.append(event)));
      await log.close();
      await appended;
      await log.close();
      await refuses("unavailable", log.append(eventOf(1000)));
      await refuses("unavailable", log.query({ limit: 1 }));
      await refuses("unavailable", log.find("event-1"));
      await refuses("unavailable", log.unfinishedTransfers());
      await refuses("unavailable", log.unfinishedSessions());
      assert.deepEqual(await allOf(await tested.reopen(), {}), events);
    });

    it("refuses more events than it can hold until they are durable, and loses none that it accepted", async () => {
      const message = "x".repeat(60_000);
      const count = Math.ceil((tested.queuedBytes ?? limits.queuedEventBytes) / message.length) + 50;
      const attempts = Array.from({ length: count }, (_, index) => log.append(eventOf(index, { message })));
      const results = await Promise.allSettled(attempts);
      const refused = results.filter((result) => result.status === "rejected");
      assert.ok(refused.length > 0);
      for (const { reason } of refused) assert.ok(reason instanceof FileError && reason.code === "unavailable");
      const accepted = results.flatMap(({ status }, index) => (status === "fulfilled" ? [`event-${index}`] : []));
      for (const id of accepted.slice(-3)) assert.ok(await log.find(id));
      await log.append(eventOf(count, { message }));
    });

    it("answers any query as a simple filter over all events does", async () => {
      const events = fc
        .sample(event, tested.events ?? 300)
        .map((sample, index) => ({ ...sample, id: `event-${index}` }));
      await appendAll(events);
      const query = fc.record(queryParts, { requiredKeys: [] });
      await fc.assert(
        fc.asyncProperty(query, fc.integer({ min: 20, max: 400 }), async (parts, limit) => {
          const expected = events.filter((each) => matches(each, parts));
          if (parts.order === "desc") expected.reverse();
          assert.deepEqual(await allOf(log, parts, limit), expected);
        }),
        { numRuns: tested.searches ?? 200 },
      );
    });
  });
}

const names = ["acme", "globex", "a'b", "%"];
const addresses = ["192.0.2.1", "192.0.2.11", "2001:db8::1"];
const paths = ["/", "/a", "/a/b", "/a/b/c", "/ab", "/a/%", "/é/b"];
const time = fc.integer({ min: 0, max: 20 }).map((index) => eventOf(index).time);

const event: fc.Arbitrary<AccountingEvent> = fc
  .record({
    type: fc.constantFrom(...eventTypes.slice(0, 8)),
    time,
    account: fc.option(fc.constantFrom(...names), { nil: undefined }),
    peer: fc.option(fc.constantFrom(...addresses), { nil: undefined }),
    path: fc.option(fc.constantFrom(...paths), { nil: undefined }),
    from: fc.option(fc.constantFrom(...paths), { nil: undefined }),
  })
  .map(({ type, time, account, peer, path, from }) =>
    eventOf(0, {
      type,
      time,
      ...(account && { account: { name: account, groups: [] } }),
      ...(peer && { peer: { address: peer, port: 22 } }),
      data: { ...(path && { path }), ...(from && { from }) },
    }),
  );

const queryParts = {
  since: time,
  until: time,
  types: fc.subarray([...eventTypes.slice(0, 8)]),
  account: fc.constantFrom(...names, "nobody"),
  peer: fc.constantFrom(...addresses),
  path: fc.constantFrom(...paths, "/a/", "/a/b/", "/é/", "/nothing/", "/a*", "/*b", "/*/b/*", "/*/"),
  order: fc.constantFrom("asc" as const, "desc" as const),
};

function matches(event: AccountingEvent, query: Omit<EventQuery, "limit">): boolean {
  const { since, until, types, account, peer, path } = query;
  const eventPaths = [event.data.path, event.data.from, event.data.to].filter((each) => typeof each === "string");
  return (
    (since === undefined || event.time >= since) &&
    (until === undefined || event.time < until) &&
    (types === undefined || types.includes(event.type)) &&
    (account === undefined || event.account?.name === account) &&
    (peer === undefined || event.peer?.address === peer) &&
    (path === undefined || eventPaths.some((each) => isAt(each, path)))
  );
}

function isAt(eventPath: string, path: string): boolean {
  const source = path.replaceAll("*", ".*");
  return path.endsWith("/")
    ? eventPath !== path && new RegExp(`^${source}.*$`, "s").test(eventPath)
    : new RegExp(`^${source}$`, "s").test(eventPath);
}
