import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import type { AccountingEvent } from "../../core/accounting-event.ts";
import type { PullMemory, PullRun } from "../../ports/pull-memory.ts";
import type { PushQueue } from "../../ports/push-queue.ts";

export interface TransferMemoryUnderTest {
  readonly pushes: PushQueue;
  readonly pulls: PullMemory;
  /** What a new process on the same data sees. */
  restart(): Promise<TransferMemoryUnderTest>;
  dispose(): Promise<void>;
}

function eventOf(id: string): AccountingEvent {
  return { id, type: "transfer.completed", time: "", server: "", protocol: "sftp", message: "", data: { path: "/a" } };
}

const run: PullRun = { startedAt: "a", endedAt: "b", files: 3, fetched: 1, known: 1, unstable: 0, failed: 1 };

/** What every memory of pushes and pulls has to do. */
export function describeTransferMemory(name: string, create: () => Promise<TransferMemoryUnderTest>): void {
  describe(`${name} as the memory of pushes and pulls`, () => {
    let state: TransferMemoryUnderTest;
    beforeEach(async () => {
      state = await create();
    });
    afterEach(() => state.dispose());
    const first = async (destination: string) =>
      (await state.pushes.first(destination, 10)).map(({ event, attempts }) => [event.id, attempts]);

    it("keeps pushes in their order, a queue for each destination, also over a restart", async () => {
      for (const id of ["c", "a", "b"]) await state.pushes.add("x", eventOf(id));
      await state.pushes.add("y", eventOf("a"));
      state = await state.restart();
      const waiting = [...(await state.pushes.waiting())].sort((a, b) => a.count - b.count);
      assert.deepEqual(waiting, [
        { destination: "y", count: 1 },
        { destination: "x", count: 3 },
      ]);
      assert.deepEqual(await first("x"), [
        ["c", 0],
        ["a", 0],
        ["b", 0],
      ]);
      const [push] = await state.pushes.first("x", 1);
      assert.deepEqual(push?.event, eventOf("c"));
      assert.deepEqual(await first("z"), []);
    });

    it("puts off what was postponed, and forgets what is settled", async () => {
      for (const id of ["a", "b", "c"]) await state.pushes.add("x", eventOf(id));
      const [a, b] = await state.pushes.first("x", 2);
      await state.pushes.postpone(a?.position ?? 0, { attempts: 2, dueAtMs: 500 });
      await state.pushes.settle(b?.position ?? 0);
      await state.pushes.settle(b?.position ?? 0);
      state = await state.restart();
      assert.deepEqual(await first("x"), [
        ["c", 0],
        ["a", 2],
      ]);
      const [, later] = await state.pushes.first("x", 2);
      assert.equal(later?.dueAtMs, 500);
    });

    it("begins anew with what is added again, so that whoever had it before settles nothing of it", async () => {
      await state.pushes.add("x", eventOf("a"));
      const [old] = await state.pushes.first("x", 1);
      await state.pushes.postpone(old?.position ?? 0, { attempts: 5, dueAtMs: 900 });
      await state.pushes.add("x", eventOf("a"));
      await state.pushes.postpone(old?.position ?? 0, { attempts: 6, dueAtMs: 999 });
      await state.pushes.settle(old?.position ?? 0);
      assert.deepEqual(await first("x"), [["a", 0]]);
    });

    it("remembers what was pulled, for each pull, and how the last look went", async () => {
      await state.pulls.remember("p", "1");
      await state.pulls.remember("p", "2");
      await state.pulls.remember("p", "2");
      await state.pulls.putRun("p", { ...run, failure: "no" });
      await state.pulls.putRun("p", run);
      state = await state.restart();
      assert.deepEqual(await state.pulls.known("p", ["2", "3", "1"]), new Set(["2", "1"]));
      assert.deepEqual(await state.pulls.known("q", ["1"]), new Set());
      assert.deepEqual(await state.pulls.run("p"), run);
      assert.equal(await state.pulls.run("q"), undefined);
    });
  });
}
