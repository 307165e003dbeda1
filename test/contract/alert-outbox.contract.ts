import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import type { AlertLane } from "../../core/alert-rule.ts";
import { limits } from "../../core/limits.ts";
import type { AlertDelivery, AlertOutbox } from "../../ports/alert-outbox.ts";

export interface AlertOutboxUnderTest {
  readonly outbox: AlertOutbox;
  /** Moves its clock on. */
  advance(ms: number): void;
  /** What a new process on the same data sees. */
  restart(): Promise<AlertOutbox>;
  dispose(): Promise<void>;
}

const mails: AlertLane = { rule: "a rule", target: "email" };
const hooks: AlertLane = { rule: "a rule", target: "webhook" };

function delivery(id: string, lane = mails): AlertDelivery {
  const event = {
    id: `event of ${id}`,
    type: "file.deleted",
    time: "2026-11-22T12:00:00.000Z",
    server: "test",
    protocol: "sftp",
    message: "é",
    data: {},
  } as const;
  return { id, lane, event, acceptedAtMs: 7 };
}

/** What every outbox of alerts has to do. */
export function describeAlertOutbox(name: string, create: () => Promise<AlertOutboxUnderTest>): void {
  describe(`${name} as the outbox of alerts`, () => {
    let state: AlertOutboxUnderTest;
    let outbox: AlertOutbox;
    const idsOf = async (lane: AlertLane, limit = 100) => (await outbox.pending(lane, limit)).first.map(({ id }) => id);

    beforeEach(async () => {
      state = await create();
      outbox = state.outbox;
    });
    afterEach(() => state.dispose());

    it("keeps what waits in each lane, in order, over restarts", async () => {
      await outbox.add([delivery("1"), delivery("2", hooks), delivery("3")]);
      outbox = await state.restart();
      await outbox.add([delivery("4")]);
      assert.deepEqual(await idsOf(mails), ["1", "3", "4"]);
      assert.deepEqual(await idsOf(hooks), ["2"]);
      assert.deepEqual(
        [...(await outbox.lanes())].sort((a, b) => a.target.localeCompare(b.target)),
        [mails, hooks],
      );
      const { first, last, count } = await outbox.pending(mails, 2);
      assert.deepEqual([first.length, last?.id, count], [2, "4", 3]);
      const { position, ...stored } = first[0] ?? { position: 0 };
      assert.deepEqual(stored, delivery("1"));
      assert.ok(position > 0);
    });

    it("does not take the same delivery twice, also not when it was settled", async () => {
      await outbox.add([delivery("1"), delivery("1")]);
      await outbox.add([delivery("1")]);
      assert.deepEqual(await idsOf(mails), ["1"]);
      const { last } = await outbox.pending(mails, 1);
      await outbox.settle(mails, last?.position ?? 0);
      outbox = await state.restart();
      await outbox.add([delivery("1"), delivery("2")]);
      assert.deepEqual(await idsOf(mails), ["2"]);
    });

    it("settles and withdraws up to a position of one lane only", async () => {
      await outbox.add([delivery("1"), delivery("2", hooks), delivery("3"), delivery("4")]);
      const { first } = await outbox.pending(mails, 3);
      await outbox.settle(mails, first[0]?.position ?? 0);
      await outbox.withdraw(mails, first[1]?.position ?? 0);
      assert.deepEqual(await idsOf(mails), ["4"]);
      assert.deepEqual(await idsOf(hooks), ["2"]);
      await outbox.add([delivery("1"), delivery("3")]);
      assert.deepEqual(await idsOf(mails), ["4", "3"]);
    });

    it("forgets what was settled long ago, and nothing that waits", async () => {
      await outbox.add([delivery("1")]);
      await outbox.settle(mails, Number.MAX_SAFE_INTEGER);
      await outbox.add([delivery("2")]);
      state.advance(limits.alertRetentionMs + 1000);
      outbox = await state.restart();
      await outbox.add([delivery("1")]);
      assert.deepEqual(await idsOf(mails), ["2", "1"]);
    });

    it("has nothing in a lane that nobody used", async () => {
      assert.deepEqual(await outbox.pending(hooks, 1), { first: [], last: undefined, count: 0 });
      assert.deepEqual(await outbox.lanes(), []);
    });

    it("numbers what is added at the same time one after the other, each once", async () => {
      const wanted = Array.from({ length: 12 }, (_, index) => [delivery(`a${index}`), delivery(`b${index % 3}`)]);
      await Promise.all(wanted.map((some) => outbox.add(some)));
      const { first, count } = await outbox.pending(mails, 100);
      assert.deepEqual([first.length, count], [15, 15]);
      const positions = first.map(({ position }) => position);
      assert.deepEqual(
        positions,
        [...new Set(positions)].sort((a, b) => a - b),
      );
      assert.equal(new Set(first.map(({ id }) => id)).size, 15);
    });

    it("holds more than one transaction can", async () => {
      const many = Array.from({ length: 120 }, (_, index) => delivery(`${index}`));
      await outbox.add(many);
      const { first, last, count } = await outbox.pending(mails, 100);
      assert.deepEqual([first.length, last?.id, count], [100, "119", 120]);
      await outbox.settle(mails, last?.position ?? 0);
      assert.deepEqual([await outbox.lanes(), await idsOf(mails)], [[], []]);
      await outbox.add(many);
      assert.deepEqual(await idsOf(mails), []);
    });
  });
}
