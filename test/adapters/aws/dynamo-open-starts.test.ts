import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";
import { OpenStarts, type Span } from "../../../adapters/aws/dynamo-open-starts.ts";
import { limits } from "../../../core/limits.ts";
import { eventOf } from "../../contract/accounting-log.contract.ts";
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

  const opening = (owner: string, alive: readonly string[] = []) =>
    new OpenStarts({ table: test.table, owner, isOwnerAlive: async (each) => alive.includes(each) });

  for (const kind of ["transfer", "session"] as const) {
    const span = (id: string): Span => ({ kind, id });
    const idsOf = async (starts: OpenStarts) => (await starts.unfinished(kind)).map(({ id }) => id);

    describe(`the start of a ${kind} without an end`, () => {
      it("is that of this process or of one that died, and of nobody else", async () => {
        await opening("dead").open(eventOf(2), span("t2"));
        await opening("alive").open(eventOf(3), span("t3"));
        const own = opening("own", ["alive"]);
        nowMs += 1;
        await own.open(eventOf(1), span("t1"));
        assert.deepEqual(await idsOf(own), ["event-2", "event-1"]);
        await own.end(span("t2"));
        await own.end(span("t1"));
        assert.deepEqual(await idsOf(own), []);
        assert.deepEqual(await idsOf(opening("alive", ["own"])), ["event-3"]);
      });

      it("goes to one heir for a while, and to the next when that one dies", async () => {
        await opening("dead").open(eventOf(1), span("t1"));
        const heirs = await Promise.all(["a", "b", "c"].map((owner) => idsOf(opening(owner))));
        assert.deepEqual(heirs.flat(), ["event-1"]);
        nowMs += limits.adoptionMs;
        assert.deepEqual(await idsOf(opening("d")), ["event-1"]);
      });

      it("does not come back when it is recorded late or again", async () => {
        const own = opening("own");
        const opened = own.open(eventOf(1), span("t1"));
        const ended = own.end(span("t1"));
        await Promise.all([opened, ended]);
        await own.open(eventOf(1), span("t1"));
        assert.deepEqual(await idsOf(own), []);
      });

      it("waits for months, where no process runs that could end it", async () => {
        await opening("dead").open(eventOf(1), span("t1"));
        nowMs += 300 * 24 * 3_600_000;
        assert.deepEqual(await idsOf(opening("own")), ["event-1"]);
      });
    });
  }

  it("an owner is remembered while either a transfer or a session of it has no end", async () => {
    const dead = opening("dead");
    await dead.open(eventOf(1), { kind: "session", id: "s1" });
    await dead.open(eventOf(2), { kind: "transfer", id: "t1" });
    nowMs += 300 * 24 * 3_600_000;
    const own = opening("own");
    assert.equal((await own.unfinished("transfer")).length, 1);
    await own.end({ kind: "transfer", id: "t1" });
    assert.deepEqual(await own.unfinished("transfer"), []);
    const sessions = await own.unfinished("session");
    assert.deepEqual(
      sessions.map(({ id }) => id),
      ["event-1"],
    );
  });
});
