import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { EventBridgeClient, PutEventsCommand, PutEventsResultEntry } from "@aws-sdk/client-eventbridge";
import { EventPublisher } from "../../../adapters/aws/eventbridge-publisher.ts";
import { eventTypes } from "../../../core/accounting-event.ts";
import { limits } from "../../../core/limits.ts";
import { eventOf } from "../../contract/accounting-log.contract.ts";
import { refuses } from "../../contract/refusal.ts";

type Result = PutEventsResultEntry | Error;

/** A bus whose answers a test decides, entry by entry; what is an Error fails the whole call. */
function scriptedBus(judge: (id: string, call: number) => Result | Promise<Result>) {
  const calls: string[][] = [];
  const send = async ({ input }: PutEventsCommand) => {
    const entries = input.Entries ?? [];
    const ids = entries.map(({ Detail = "" }): string => JSON.parse(Detail).id);
    calls.push(ids);
    const call = calls.length;
    const Entries = await Promise.all(ids.map((id) => judge(id, call)));
    for (const result of Entries) if (result instanceof Error) throw result;
    return { Entries, FailedEntryCount: 0 };
  };
  return { calls, client: { send } as unknown as EventBridgeClient };
}

const taken = { EventId: "on the bus" };
const throttled = { ErrorCode: "ThrottlingException", ErrorMessage: "slow down" };

describe("the publisher of accounting events", () => {
  const idsOf = (count: number) => Array.from({ length: count }, (_, index) => `event-${index}`);
  const publishAll = (publisher: EventPublisher, count: number) =>
    Promise.all(idsOf(count).map((_, index) => publisher.publish(eventOf(index))));

  it("sends what comes at the same time together, ten events a call, in their order", async () => {
    const { client, calls } = scriptedBus(() => taken);
    await publishAll(new EventPublisher({ client, eventBus: "bus" }), 25);
    assert.deepEqual(
      calls.map((call) => call.length),
      [10, 10, 5],
    );
    assert.deepEqual(calls.flat(), idsOf(25));
  });

  it("keeps a call below the size that every region takes", async () => {
    const { client, calls } = scriptedBus(() => taken);
    const publisher = new EventPublisher({ client, eventBus: "bus" });
    const message = "x".repeat(60_000);
    await Promise.all(idsOf(9).map((_, index) => publisher.publish(eventOf(index, { message }))));
    assert.deepEqual(
      calls.map((call) => call.length),
      [4, 4, 1],
    );
  });

  it("sends what the bus did not take again, and nothing else", async () => {
    const { client, calls } = scriptedBus((id, call) =>
      call === 1 && ["event-1", "event-3"].includes(id) ? throttled : taken,
    );
    await publishAll(new EventPublisher({ client, eventBus: "bus" }), 5);
    assert.deepEqual(calls, [idsOf(5), ["event-1", "event-3"]]);
  });

  it("does not take an answer without an id for a success", async () => {
    const { client, calls } = scriptedBus((_, call) => (call === 1 ? {} : taken));
    await publishAll(new EventPublisher({ client, eventBus: "bus" }), 1);
    assert.equal(calls.length, 2);
  });

  it("gives an event up after some tries, and lets those beside it succeed", async () => {
    const { client, calls } = scriptedBus((id) => (id === "event-1" ? throttled : taken));
    const publisher = new EventPublisher({ client, eventBus: "bus" });
    const results = await Promise.allSettled(idsOf(3).map((_, index) => publisher.publish(eventOf(index))));
    assert.deepEqual(
      results.map(({ status }) => status),
      ["fulfilled", "rejected", "fulfilled"],
    );
    assert.equal(calls.length, limits.busTries);
    await refuses("unavailable", Promise.reject((results[1] as PromiseRejectedResult).reason));
  });

  it("repeats a call that failed as a whole", async () => {
    const { client, calls } = scriptedBus((_, call) => (call < 3 ? new Error("reset") : taken));
    await publishAll(new EventPublisher({ client, eventBus: "bus" }), 2);
    assert.equal(calls.length, 3);
  });

  it("answers for an event only when every earlier one has its answer", async () => {
    const slow = Promise.withResolvers<PutEventsResultEntry>();
    const { client, calls } = scriptedBus((id) => (id === "event-0" ? slow.promise : taken));
    const publisher = new EventPublisher({ client, eventBus: "bus" });
    const answered: number[] = [];
    const publish = (index: number) => publisher.publish(eventOf(index)).then(() => answered.push(index));
    const first = publish(0);
    await new Promise(setImmediate);
    const second = publish(1);
    while (calls.length < 2) await new Promise(setImmediate);
    await new Promise(setImmediate);
    assert.deepEqual(answered, []);
    slow.resolve(taken);
    await Promise.all([first, second]);
    assert.deepEqual(answered, [0, 1]);
  });

  it("names the source, the type and the bus that the rules are about", async () => {
    const sent: unknown[] = [];
    const send = async ({ input }: PutEventsCommand) => {
      sent.push(...(input.Entries ?? []));
      return { Entries: [taken] };
    };
    const client = { send } as unknown as EventBridgeClient;
    await new EventPublisher({ client, eventBus: "bus" }).publish(eventOf(1, { type: eventTypes[0] }));
    const Detail = JSON.stringify(eventOf(1, { type: eventTypes[0] }));
    assert.deepEqual(sent, [{ EventBusName: "bus", Source: "ferrygate", DetailType: eventTypes[0], Detail }]);
  });
});
