import assert from "node:assert/strict";
import { test } from "node:test";
import type { AccountingEvent } from "../../../core/accounting-event.ts";
import type { AuditSink } from "../../../ports/audit-sink.ts";
import { createRecordKeeper, type DeliveredEvent } from "../../../service/accounting/record-keeper.ts";
import { createMemoryAccountingLog } from "../../support/memory-ports.ts";

const eventOf = (id: string): AccountingEvent => ({
  id,
  type: "transfer.completed",
  time: "2026-11-26T13:00:00.000Z",
  server: "test",
  protocol: "sftp",
  message: "done",
  data: {},
});

const delivered = (id: string, isRepeated = false): DeliveredEvent => ({ event: eventOf(id), isRepeated });
const statuses = (results: readonly PromiseSettledResult<void>[]) => results.map(({ status }) => status);

function memorySink(): AuditSink & { readonly kept: string[]; fail: boolean } {
  const kept: string[] = [];
  const sink = {
    name: "memory",
    kept,
    fail: false,
    keep: async (events: readonly AccountingEvent[]) => {
      if (sink.fail) throw new Error("full");
      kept.push(...events.map(({ id }) => id));
    },
  };
  return sink;
}

test("events are kept by every sink and then indexed, each once however often it is delivered", async () => {
  const [index, archive, log] = [createMemoryAccountingLog(), memorySink(), memorySink()];
  const keep = createRecordKeeper({ index, sinks: [archive, log] });
  assert.deepEqual(statuses(await keep([delivered("a"), delivered("b"), delivered("a")])), Array(3).fill("fulfilled"));
  assert.deepEqual(statuses(await keep([delivered("b", true), delivered("c")])), Array(2).fill("fulfilled"));
  assert.deepEqual(archive.kept, ["a", "b", "c"]);
  assert.deepEqual(log.kept, ["a", "b", "c"]);
  assert.deepEqual(
    index.events.map(({ id }) => id),
    ["a", "b", "c"],
  );
});

test("what a sink did not keep is not indexed, and comes again", async () => {
  const [index, archive, log] = [createMemoryAccountingLog(), memorySink(), memorySink()];
  const keep = createRecordKeeper({ index, sinks: [archive, log] });
  archive.fail = true;
  const [failed] = await keep([delivered("a")]);
  assert.equal(failed?.status, "rejected");
  assert.match(`${failed.reason}`, /not kept by memory/);
  assert.deepEqual([index.events, log.kept], [[], ["a"]]);
  archive.fail = false;
  assert.deepEqual(statuses(await keep([delivered("a", true)])), ["fulfilled"]);
  assert.deepEqual([archive.kept, index.events.length], [["a"], 1]);
});

test("a message that is no event, and one that the index refuses, hold up no other", async () => {
  const index = createMemoryAccountingLog();
  const archive = memorySink();
  const append = async (event: AccountingEvent) => {
    if (event.id === "b") throw new Error("refused");
    await index.append(event);
  };
  const keep = createRecordKeeper({ index: { ...index, append }, sinks: [archive] });
  const results = await keep([delivered("a"), { event: undefined, isRepeated: false }, delivered("b"), delivered("c")]);
  assert.deepEqual(statuses(results), ["fulfilled", "rejected", "rejected", "fulfilled"]);
  assert.deepEqual(archive.kept, ["a", "b", "c"]);
});

test("an index that cannot be asked whether it has an event lets the event come again", async () => {
  const index = { ...createMemoryAccountingLog(), find: () => Promise.reject(new Error("throttled")) };
  const archive = memorySink();
  const keep = createRecordKeeper({ index, sinks: [archive] });
  assert.deepEqual(statuses(await keep([delivered("a", true), delivered("b")])), ["rejected", "fulfilled"]);
  assert.deepEqual(archive.kept, ["b"]);
});
