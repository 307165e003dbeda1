import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { limits } from "../../core/limits.ts";
import type { Claims } from "../../ports/claims.ts";
import type { ConsumerPositions } from "../../ports/consumer-positions.ts";
import type { DeadLetter, DeadLetters } from "../../ports/dead-letters.ts";
import { refuses } from "./refusal.ts";

export interface AutomationUnderTest {
  readonly positions: ConsumerPositions;
  readonly claims: Claims;
  readonly deadLetters: DeadLetters;
  /** Moves the clock of the claims on. */
  advance(ms: number): void;
  /** What a new process on the same data sees. */
  restart(): Promise<AutomationUnderTest>;
  dispose(): Promise<void>;
}

function letter(id: string, changes: Partial<DeadLetter> = {}): DeadLetter {
  const event = {
    id,
    type: "transfer.completed",
    time: "",
    server: "",
    protocol: "sftp",
    message: "",
    data: {},
  } as const;
  return {
    id,
    consumer: "dispatch",
    event,
    reason: "no",
    attempts: 1,
    failedAt: "2026-11-22T00:00:00.000Z",
    ...changes,
  };
}

/** What every memory of consumers has to do. */
export function describeAutomationState(name: string, create: () => Promise<AutomationUnderTest>): void {
  describe(`${name} as the memory of consumers`, () => {
    let state: AutomationUnderTest;
    beforeEach(async () => {
      state = await create();
    });
    afterEach(() => state.dispose());
    const lease = { leaseMs: 1000 };

    it("knows the position of each consumer, also after a restart", async () => {
      assert.equal(await state.positions.load("a"), undefined);
      await state.positions.save("a", 5);
      await state.positions.save("b", 9);
      await state.positions.save("a", 7);
      state = await state.restart();
      assert.deepEqual([await state.positions.load("a"), await state.positions.load("b")], [7, 9]);
    });

    it("gives work to one owner at a time, until the lease ends", async () => {
      const { claims } = state;
      assert.deepEqual(await claims.claim({ id: "w", owner: "1", ...lease }), { state: "claimed", note: undefined });
      assert.deepEqual(await claims.claim({ id: "w", owner: "2", ...lease }), { state: "busy" });
      state.advance(900);
      assert.equal((await claims.claim({ id: "w", owner: "1", ...lease })).state, "claimed", "the lease is extended");
      state.advance(900);
      assert.equal((await claims.claim({ id: "w", owner: "2", ...lease })).state, "busy");
      state.advance(100);
      assert.equal((await claims.claim({ id: "w", owner: "2", ...lease })).state, "claimed");
      await refuses("unavailable", claims.annotate("w", "1", "late"));
      await refuses("unavailable", claims.complete("w", "1", "late"));
    });

    it("hands notes on, and tells everybody the result of what is done", async () => {
      await state.claims.claim({ id: "w", owner: "1", ...lease });
      await state.claims.annotate("w", "1", "half way");
      await state.claims.release("w", "1");
      assert.deepEqual(await state.claims.claim({ id: "w", owner: "2", ...lease }), {
        state: "claimed",
        note: "half way",
      });
      state = await state.restart();
      assert.deepEqual(await state.claims.claim({ id: "w", owner: "3", ...lease }), {
        state: "claimed",
        note: "half way",
      });
      await state.claims.complete("w", "3", "done");
      await state.claims.release("w", "3");
      state = await state.restart();
      state.advance(10_000);
      assert.deepEqual(await state.claims.claim({ id: "w", owner: "4", ...lease }), {
        state: "completed",
        note: "done",
      });
    });

    it("leaves a claim alone that its former owner releases", async () => {
      await state.claims.claim({ id: "w", owner: "1", ...lease });
      state.advance(2000);
      await state.claims.claim({ id: "w", owner: "2", ...lease });
      await state.claims.release("w", "1");
      await state.claims.release("unknown", "1");
      assert.equal((await state.claims.claim({ id: "w", owner: "3", ...lease })).state, "busy");
    });

    it("lets nobody take what another owner asks for at the same time", async () => {
      const owners = ["1", "2", "3", "4", "5"];
      const claims = await Promise.all(owners.map((owner) => state.claims.claim({ id: "w", owner, ...lease })));
      assert.deepEqual(claims.map((claim) => claim.state).sort(), ["busy", "busy", "busy", "busy", "claimed"]);
    });

    it("keeps dead letters until they are removed, one for each id", async () => {
      const { deadLetters } = state;
      for (const id of ["c", "a", "b"]) await deadLetters.put(letter(id));
      await deadLetters.put(letter("a", { attempts: 2 }));
      state = await state.restart();
      assert.deepEqual(await state.deadLetters.find("a"), letter("a", { attempts: 2 }));
      const first = await state.deadLetters.list({ limit: 2 });
      assert.deepEqual([first.letters.map(({ id }) => id), first.next], [["a", "b"], "b"]);
      const second = await state.deadLetters.list({ limit: 2, after: first.next });
      assert.deepEqual([second.letters.map(({ id }) => id), second.next], [["c"], undefined]);
      await state.deadLetters.remove("b");
      await state.deadLetters.remove("b");
      assert.equal(await state.deadLetters.find("b"), undefined);
      for (const limit of [0, 1.5, limits.deadLetterPageEntries + 1]) {
        await refuses("invalid-argument", state.deadLetters.list({ limit }));
      }
    });
  });
}
