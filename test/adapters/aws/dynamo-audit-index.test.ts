import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";
import { createDynamoAuditIndex } from "../../../adapters/aws/dynamo-audit-index.ts";
import { DynamoTable } from "../../../adapters/aws/dynamo-table.ts";
import { limits } from "../../../core/limits.ts";
import type { EventQuery } from "../../../ports/accounting-log.ts";
import { eventOf } from "../../contract/accounting-log.contract.ts";
import { refuses } from "../../contract/refusal.ts";
import { type AwsServices, awsOrSkip, startAwsServices } from "../../support/aws-services.ts";
import { createTestTable, type TestTable } from "../../support/aws-table.ts";

describe("on the table", { skip: awsOrSkip() }, () => {
  let services: AwsServices;
  let test: TestTable;
  let nowMs: number;
  before(async () => {
    services = await startAwsServices();
  });
  after(() => services.stop());
  beforeEach(async () => {
    nowMs = Date.UTC(2026, 10, 26, 13, 59, 58);
    test = await createTestTable({ now: () => nowMs });
  });
  afterEach(() => test.dispose());

  describe("the audit index", () => {
    const idsOf = async (query: Partial<EventQuery> = {}, settleMs = 0) => {
      const { events } = await createDynamoAuditIndex({ table: test.table, settleMs }).query({ limit: 100, ...query });
      return events.map(({ id }) => id);
    };
    const account = { account: { name: "acme", groups: [] } };

    it("goes from hour to hour and from day to day, both ways", async () => {
      const index = createDynamoAuditIndex({ table: test.table, settleMs: 0 });
      for (const hours of [0, 1, 2, 30]) {
        nowMs += hours * 3_600_000;
        await index.put([eventOf(hours, account), eventOf(hours + 0.5)]);
      }
      const all = [0, 0.5, 1, 1.5, 2, 2.5, 30, 30.5].map((number) => `event-${number}`);
      assert.deepEqual(await idsOf(), all);
      assert.deepEqual(await idsOf({ order: "desc" }), all.toReversed());
      assert.deepEqual(await idsOf({ account: "acme" }), ["event-0", "event-1", "event-2", "event-30"]);
      const { cursor } = await index.query({ limit: 3 });
      assert.deepEqual(await idsOf({ cursor }), all.slice(3));
      assert.deepEqual(await idsOf({ cursor, account: "acme" }), ["event-2", "event-30"]);
      const { cursors } = await index.query({ limit: 7, order: "desc" });
      assert.deepEqual(await idsOf({ cursor: cursors[3], order: "desc" }), all.toReversed().slice(4));
    });

    it("shows new events from old to new only when no other can come in front of them", async () => {
      const index = createDynamoAuditIndex({ table: test.table });
      await index.append(eventOf(1));
      assert.deepEqual(await idsOf({}, limits.auditSettleMs), []);
      assert.deepEqual(await idsOf({ order: "desc" }, limits.auditSettleMs), ["event-1"]);
      assert.equal((await index.find("event-1"))?.id, "event-1");
      nowMs += limits.auditSettleMs + 1;
      assert.deepEqual(await idsOf({}, limits.auditSettleMs), ["event-1"]);
    });

    it("gives whoever comes back with the place reached every event once, and reads little again", async () => {
      const read = countReads(test);
      const index = createDynamoAuditIndex({ table: test.table });
      const rounds = Array.from({ length: 30 }, (_, round) => round);
      const seen: string[] = [];
      let { reached: cursor } = await index.query({ limit: 5, since: new Date(nowMs).toISOString() });
      const look = async () => {
        const page = await index.query({ limit: 5, types: ["alert.sent"], cursor });
        seen.push(...page.events.map(({ id }) => id));
        cursor = page.reached;
      };
      for (const round of rounds) {
        nowMs += 2000;
        await index.put([eventOf(round), eventOf(round + 0.5, { type: "alert.sent" })]);
        await look();
      }
      nowMs += limits.auditSettleMs + 1;
      for (let page = 0; page < 3; page += 1) await look();
      const wanted = rounds.map((round) => `event-${round + 0.5}`);
      assert.deepEqual(seen, wanted);
      const events = 2 * rounds.length;
      // Each look also reads the two hours, and at most what came in the last ten seconds and is not settled.
      assert.ok(read.items <= events + (2 + 10) * (rounds.length + 4), `${read.items} items were read`);
    });

    it("reads for a page what is on it, however much there is", async () => {
      const count = countReads(test);
      const index = createDynamoAuditIndex({ table: test.table, settleMs: 0 });
      const ids: string[] = [];
      for (let hour = 0; hour < 5; hour += 1) {
        const events = Array.from({ length: 100 }, (_, each) => eventOf(hour * 100 + each, each % 2 ? account : {}));
        await index.put(events);
        ids.push(...events.map(({ id }) => id));
        nowMs += 3_600_000;
      }
      const read = async (query: Omit<EventQuery, "limit">) => {
        const before = count.items;
        const page = await index.query({ limit: 20, ...query });
        return { page, items: count.items - before };
      };
      // 20 events and one more, of two hours where one of them ends on the page; and at most the list of five hours.
      const most = 2 * (20 + 1) + 5;
      for (const order of ["asc", "desc"] as const) {
        const found: string[] = [];
        for (let cursor: string | undefined, isMore = true; isMore; isMore = cursor !== undefined) {
          const { page, items } = await read({ order, cursor });
          assert.ok(items <= most, `${items} items were read for a page`);
          found.push(...page.events.map(({ id }) => id));
          cursor = page.cursor;
        }
        assert.deepEqual(found.toSorted(), ids.toSorted());
        const { page, items } = await read({ order, account: "acme" });
        assert.ok(items <= most && page.events.length === 20, `${items} items were read for a page of an account`);
      }
      const since = new Date(nowMs - 2 * 3_600_000).toISOString();
      // What is filtered is read by the megabyte, and still nothing of other hours.
      assert.ok((await read({ since })).items <= 100 + 5);
    });

    it("takes an event over whose writer died, once it must have given up", async () => {
      const dying = createDynamoAuditIndex({ table: new DyingTable(test), settleMs: 0 });
      const event = eventOf(1, account);
      await assert.rejects(dying.append(event), { message: "died" });
      const index = createDynamoAuditIndex({ table: test.table, settleMs: 0 });
      assert.equal(await index.find("event-1"), undefined);
      nowMs += 1;
      await refuses("unavailable", index.append(event));
      nowMs += limits.auditSettleMs;
      await index.append(eventOf(2));
      await index.append(event);
      await index.append(event);
      assert.deepEqual(await index.find("event-1"), event);
      assert.deepEqual(await idsOf(), ["event-2", "event-1"]);
      assert.deepEqual(await idsOf({ account: "acme" }), ["event-1"]);
    });

    it("forgets events when their time is over", async () => {
      const index = createDynamoAuditIndex({ table: test.table, settleMs: 0, retentionMs: 5000 });
      await index.append(eventOf(1, account));
      nowMs += 4000;
      assert.deepEqual([await idsOf(), await idsOf({ account: "acme" })], [["event-1"], ["event-1"]]);
      nowMs += 2000;
      assert.deepEqual([await idsOf(), await index.find("event-1")], [[], undefined]);
    });

    it("takes ids of any length and form", async () => {
      const index = createDynamoAuditIndex({ table: test.table, settleMs: 0 });
      const ids = ["ü b\n#", "x".repeat(3000), "x".repeat(3001)];
      await index.put(ids.map((id) => eventOf(1, { id })));
      assert.deepEqual((await idsOf()).sort(), ids.toSorted());
      for (const id of ids) assert.equal((await index.find(id))?.id, id);
    });
  });
});

/** Dies behind the first of the writes of an event. */
class DyingTable extends DynamoTable {
  constructor({ client, tableName, table }: TestTable) {
    super({ client, name: tableName, now: table.now });
  }

  override update(): Promise<never> {
    return Promise.reject(new Error("died"));
  }
}

/** Counts what queries read, and so what they are paid for. */
function countReads({ client }: TestTable): { items: number } {
  const read = { items: 0 };
  client.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      const { ScannedCount = 0 } = result.output as { readonly ScannedCount?: number };
      read.items += ScannedCount;
      return result;
    },
    { step: "initialize" },
  );
  return read;
}
