import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { AccountingEvent } from "../../../core/accounting-event.ts";
import { FileError } from "../../../core/errors.ts";
import { limits } from "../../../core/limits.ts";
import type { Failure } from "../../../service/consume/dead-letter.ts";
import { EventConsumer, type EventHandler } from "../../../service/consume/event-consumer.ts";
import { RetryLater, WorkBusy } from "../../../service/consume/retry.ts";
import { createMemoryAutomation } from "../../support/memory-automation.ts";
import { createMemoryAccountingLog, createMemoryRuntime } from "../../support/memory-ports.ts";

function eventOf(id: string): AccountingEvent {
  return { id, type: "file.deleted", time: "", server: "", protocol: "sftp", message: "", data: {} };
}

/** A consumer whose pauses are over at once, and what it did. */
function rig(handle: (event: AccountingEvent) => Promise<void>, more: Partial<EventHandler> = {}) {
  const feed = createMemoryAccountingLog();
  const memory = createMemoryAutomation();
  const pauses: number[] = [];
  const runtime = {
    ...createMemoryRuntime(),
    random: () => 1,
    every: (ms: number, action: () => void) => {
      pauses.push(ms);
      setImmediate(action);
      return () => {};
    },
  };
  const parts = { feed, ...memory, runtime };
  const handler: EventHandler = { name: "test", selects: () => true, handle, ...more };
  const create = () => new EventConsumer(parts, handler);
  const append = async (...ids: string[]) => {
    for (const id of ids) await feed.append(eventOf(id));
  };
  const letters = async () => (await memory.deadLetters.list({ limit: 10 })).letters;
  return { ...parts, create, append, pauses, letters };
}

/** Resolves when the position of the consumer is that of the log's end. */
async function settled({ feed, positions }: Pick<ReturnType<typeof rig>, "feed" | "positions">): Promise<void> {
  while ((await positions.load("test")) !== (await feed.end())) await new Promise(setImmediate);
}

describe("a consumer of events", () => {
  it("begins at the end of the log, and at the next start where it left off", async () => {
    const seen: string[] = [];
    const test = rig(async ({ id }) => void seen.push(id));
    await test.append("before");
    const first = test.create();
    await first.start();
    await test.append("a", "b");
    await settled(test);
    await first.stop();
    await test.append("c");
    const second = test.create();
    await second.start();
    await test.append("d");
    await settled(test);
    await second.stop();
    assert.deepEqual(seen, ["a", "b", "c", "d"]);
  });

  it("handles events in order, one at a time, however many arrive at once", async () => {
    const seen: string[] = [];
    let running = 0;
    const test = rig(async ({ id }) => {
      assert.equal(running++, 0);
      await new Promise(setImmediate);
      running -= 1;
      seen.push(id);
    });
    const consumer = test.create();
    await consumer.start();
    const ids = Array.from({ length: limits.consumerPageEvents + 50 }, (_, index) => `${index}`);
    await test.append(...ids);
    await settled(test);
    assert.deepEqual(seen, ids);
    await consumer.stop();
  });

  it("tries again with growing pauses, and gives the event up in the end without losing the next", async () => {
    const seen: string[] = [];
    const test = rig(async ({ id }) => {
      seen.push(id);
      if (id === "bad") throw new TypeError("a bug");
    });
    const consumer = test.create();
    await consumer.start();
    await test.append("bad", "good");
    await settled(test);
    assert.deepEqual(seen, [...Array.from({ length: limits.consumerTries }, () => "bad"), "good"]);
    assert.deepEqual(test.pauses, [1000, 2000, 4000, 8000, 16_000]);
    const [letter, ...others] = await test.letters();
    assert.deepEqual(others, []);
    assert.deepEqual(
      { ...letter, failedAt: "" },
      {
        id: "test.bad",
        consumer: "test",
        event: eventOf("bad"),
        reason: "an internal error",
        attempts: limits.consumerTries,
        failedAt: "",
      },
    );
    await consumer.stop();
  });

  it("is still alive when a handler has failed a hundred times", async () => {
    const test = rig(async ({ id }) => {
      if (id !== "good") throw new FileError("invalid-path", "it cannot work");
    });
    const consumer = test.create();
    await consumer.start();
    await test.append(...Array.from({ length: 100 }, (_, index) => `bad${index}`), "good");
    await settled(test);
    assert.equal((await test.deadLetters.list({ limit: 1000 })).letters.length, 100);
    assert.deepEqual(test.pauses, [], "what cannot work is not tried again");
    await consumer.stop();
  });

  it("waits as long as a failure asks for, and for as long as another owner is busy", async () => {
    const failures: Error[] = [new RetryLater("later", 90_000), ...Array.from({ length: 20 }, () => new WorkBusy())];
    const test = rig(async () => {
      const failure = failures.shift();
      if (failure) throw failure;
    });
    const consumer = test.create();
    await consumer.start();
    await test.append("a");
    await settled(test);
    assert.equal(test.pauses[0], 90_000);
    assert.equal(failures.length, 0);
    assert.deepEqual(await test.letters(), []);
    await consumer.stop();
  });

  it("asks the handler for a last resort before it gives an event up", async () => {
    const failures: Failure[] = [];
    const test = rig(() => Promise.reject(new FileError("not-found", "nothing there")), {
      givenUp: async (failure) => {
        failures.push(failure);
        if (failure.event.id === "worst") throw new TypeError("a bug");
        return failure.event.id === "rescued";
      },
    });
    const consumer = test.create();
    await consumer.start();
    await test.append("rescued", "lost", "worst");
    await settled(test);
    assert.deepEqual(
      (await test.letters()).map(({ id, reason }) => `${id}: ${reason}`),
      ["test.lost: nothing there", "test.worst: nothing there"],
    );
    assert.equal(failures.length, 2 + limits.consumerTries);
    await consumer.stop();
  });

  it("replays a dead letter: done with, or back with one try more", async () => {
    let isMended = false;
    const test = rig(async ({ id }) => {
      if (!isMended || id === "worse") throw new FileError("not-found", "nothing there");
    });
    const consumer = test.create();
    await consumer.start();
    await test.append("bad", "worse");
    await settled(test);
    assert.deepEqual(await consumer.replay("test.bad"), { ok: false, reason: "nothing there" });
    assert.equal((await test.deadLetters.find("test.bad"))?.attempts, 2);
    isMended = true;
    assert.deepEqual(await consumer.replay("test.bad"), { ok: true });
    assert.deepEqual(await consumer.replay("test.worse"), { ok: false, reason: "nothing there" });
    assert.deepEqual(
      (await test.letters()).map(({ id, attempts }) => [id, attempts]),
      [["test.worse", 2]],
    );
    await assert.rejects(consumer.replay("test.bad"), { code: "not-found" });
    await consumer.stop();
  });

  it("stops in the middle of a pause, and comes back to the event at the next start", async () => {
    const seen: string[] = [];
    const test = rig(async ({ id }) => {
      seen.push(id);
      throw new FileError("unavailable", "not at the moment");
    });
    const consumer = new EventConsumer(
      { ...test, runtime: { ...test.runtime, every: () => () => {} } },
      { name: "test", selects: () => true, handle: async ({ id }) => void (await Promise.reject(seen.push(id))) },
    );
    await consumer.start();
    await test.append("a");
    while (seen.length === 0) await new Promise(setImmediate);
    await consumer.stop();
    assert.deepEqual(await test.letters(), []);
    const next = test.create();
    await next.start();
    await settled(test);
    await next.stop();
    assert.equal(seen.length, 1 + limits.consumerTries);
  });
});
