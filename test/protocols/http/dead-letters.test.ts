import assert from "node:assert/strict";
import { test } from "node:test";
import { FileError } from "../../../core/errors.ts";
import { DeadLetterDesk } from "../../../service/consume/dead-letter-desk.ts";
import { EventConsumer } from "../../../service/consume/event-consumer.ts";
import { createMemoryAutomation } from "../../support/memory-automation.ts";
import { createMemoryAccountingLog, createMemoryRuntime } from "../../support/memory-ports.ts";
import { asAdmin, basic, startApi } from "./rig.ts";

/** Three letters of a consumer that fails until it is mended. */
async function createDesk() {
  const automation = createMemoryAutomation();
  const parts = { ...automation, feed: createMemoryAccountingLog(), runtime: createMemoryRuntime() };
  const state = { isMended: false };
  const handle = async () => {
    if (!state.isMended) throw new FileError("already-exists", "/outbox/a.pdf exists already");
  };
  const consumer = new EventConsumer(parts, { name: "dispatch", selects: () => true, handle });
  for (const id of ["1", "2", "3"]) {
    const event = {
      id,
      type: "file.renamed",
      time: "2026-01-01T00:00:00.000Z",
      server: "",
      protocol: "sftp",
      message: "",
      data: {},
    } as const;
    const letter = { reason: "once", attempts: 1, failedAt: "2026-11-22T12:00:00.000Z" };
    await automation.deadLetters.put({ id: `dispatch.${id}`, consumer: "dispatch", event, ...letter });
  }
  return { state, deadLetters: new DeadLetterDesk(automation.deadLetters, [consumer]) };
}

test("dead letters are listed in pages, with the event and the reason", async (t) => {
  const { deadLetters } = await createDesk();
  const { url } = await startApi(t, {}, { deadLetters });
  const page = async (query: string) =>
    (await (await fetch(`${url}/v1/dead-letters?${query}`, asAdmin)).json()) as {
      readonly deadLetters: readonly unknown[];
      readonly cursor?: string;
    };
  const first = await page("limit=2");
  assert.deepEqual(first.deadLetters[0], await deadLetters.find("dispatch.1"));
  assert.deepEqual([first.deadLetters.length, first.cursor], [2, "dispatch.2"]);
  const second = await page(`limit=2&cursor=${first.cursor}`);
  assert.deepEqual([second.deadLetters.length, second.cursor], [1, undefined]);
});

test("a dead letter is replayed: it still waits, with the reason, or it is gone", async (t) => {
  const { state, deadLetters } = await createDesk();
  const { url } = await startApi(t, {}, { deadLetters });
  const replay = async (id: string) => {
    const response = await fetch(`${url}/v1/dead-letters/${id}/replay`, { ...asAdmin, method: "POST" });
    return [response.status, await response.json()] as const;
  };
  assert.deepEqual(await replay("dispatch.2"), [200, { ok: false, reason: "/outbox/a.pdf exists already" }]);
  assert.equal((await deadLetters.find("dispatch.2")).attempts, 2);
  state.isMended = true;
  assert.deepEqual(await replay("dispatch.2"), [200, { ok: true }]);
  assert.equal((await replay("dispatch.2"))[0], 404);
  assert.deepEqual(
    (await deadLetters.list({ limit: 10 })).letters.map(({ id }) => id),
    ["dispatch.1", "dispatch.3"],
  );
});

test("dead letters are for administrators, and bad questions are refused", async (t) => {
  const { deadLetters } = await createDesk();
  const { url } = await startApi(t, {}, { deadLetters });
  const asAcme = { headers: { authorization: basic("acme") } };
  assert.equal((await fetch(`${url}/v1/dead-letters`, asAcme)).status, 403);
  assert.equal((await fetch(`${url}/v1/dead-letters/dispatch.1/replay`, { ...asAcme, method: "POST" })).status, 403);
  assert.equal((await fetch(`${url}/v1/dead-letters?limit=0`, asAdmin)).status, 400);
  assert.equal((await fetch(`${url}/v1/dead-letters?x=1`, asAdmin)).status, 400);
});
