import assert from "node:assert/strict";
import { test } from "node:test";
import type { AccountingEvent } from "../../../core/accounting-event.ts";
import { FileError } from "../../../core/errors.ts";
import type { EventHandler } from "../../../service/consume/event-consumer.ts";
import { createQueueConsumer, type QueuedEvent } from "../../../service/consume/queue-consumer.ts";
import { WorkDeferred } from "../../../service/consume/retry.ts";
import { createMemoryAutomation } from "../../support/memory-automation.ts";
import { createMemoryRuntime } from "../../support/memory-ports.ts";

const eventOf = (id: string): AccountingEvent => ({
  id,
  type: "transfer.completed",
  time: "2026-11-26T13:00:00.000Z",
  server: "test",
  protocol: "sftp",
  message: "done",
  data: {},
});

function start(handler: Partial<EventHandler>) {
  const { deadLetters } = createMemoryAutomation();
  const whole: EventHandler = { name: "work", selects: () => true, handle: async () => {}, ...handler };
  const consume = createQueueConsumer({ handler: whole, deadLetters, runtime: createMemoryRuntime(), mostReceives: 3 });
  const statuses = async (...deliveries: QueuedEvent[]) => (await consume(deliveries)).map(({ status }) => status);
  const letters = async () => (await deadLetters.list({ limit: 10 })).letters;
  return { statuses, letters };
}

const failing = (error: Error) => async () => Promise.reject(error);

test("what is handled or of no interest is dealt with; the rest does not wait for a failure", async () => {
  const handled: string[] = [];
  const { statuses, letters } = start({
    selects: ({ id }) => id !== "other",
    handle: async ({ id }) => {
      if (id === "bad") throw new Error("down");
      handled.push(id);
    },
  });
  const deliveries = ["bad", "a", "other", "b"].map((id) => ({ event: eventOf(id), receives: 1 }));
  assert.deepEqual(await statuses(...deliveries), ["rejected", "fulfilled", "fulfilled", "fulfilled"]);
  assert.deepEqual([handled, await letters()], [["a", "b"], []]);
});

test("a failure that may pass is the queue's to repeat, and a dead letter at the last delivery", async () => {
  const { statuses, letters } = start({ handle: failing(new FileError("unavailable", "the store is down")) });
  for (const receives of [1, 2]) assert.deepEqual(await statuses({ event: eventOf("a"), receives }), ["rejected"]);
  assert.deepEqual(await letters(), []);
  assert.deepEqual(await statuses({ event: eventOf("a"), receives: 3 }), ["fulfilled"]);
  const [letter] = await letters();
  assert.deepEqual(
    { ...letter, failedAt: "" },
    {
      id: "work.a",
      consumer: "work",
      event: eventOf("a"),
      reason: "the store is down",
      attempts: 3,
      failedAt: "",
    },
  );
});

test("a failure that lasts is a dead letter at once", async () => {
  const { statuses, letters } = start({ handle: failing(new FileError("not-found", "there is no such file")) });
  assert.deepEqual(await statuses({ event: eventOf("a"), receives: 1 }), ["fulfilled"]);
  assert.deepEqual(
    (await letters()).map(({ reason, attempts }) => [reason, attempts]),
    [["there is no such file", 1]],
  );
});

test("a last resort that works needs no letter; one that fails is repeated and then is one", async () => {
  const handle = failing(new FileError("not-found", "gone"));
  const rescued = start({ handle, givenUp: async () => true });
  assert.deepEqual(await rescued.statuses({ event: eventOf("a"), receives: 1 }), ["fulfilled"]);
  assert.deepEqual(await rescued.letters(), []);
  const failed = start({ handle, givenUp: failing(new Error("down")) });
  assert.deepEqual(await failed.statuses({ event: eventOf("a"), receives: 1 }), ["rejected"]);
  assert.deepEqual(await failed.statuses({ event: eventOf("a"), receives: 3 }), ["fulfilled"]);
  assert.equal((await failed.letters()).length, 1);
});

test("work that went on into another queue is dealt with", async () => {
  const { statuses, letters } = start({ handle: failing(new WorkDeferred("pushed later")) });
  assert.deepEqual(await statuses({ event: eventOf("a"), receives: 3 }), ["fulfilled"]);
  assert.deepEqual(await letters(), []);
});

test("a message that is no event stays with the queue, and so does what no letter can be made of", async () => {
  assert.deepEqual(await start({}).statuses({ event: undefined, receives: 3 }), ["rejected"]);
  const deadLetters = { ...createMemoryAutomation().deadLetters, put: failing(new Error("down")) };
  const handler = { name: "work", selects: () => true, handle: failing(new Error("down")) };
  const consume = createQueueConsumer({ handler, deadLetters, runtime: createMemoryRuntime(), mostReceives: 3 });
  assert.equal((await consume([{ event: eventOf("a"), receives: 3 }]))[0]?.status, "rejected");
});
