import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { limits } from "../../../core/limits.ts";
import { once, underClaim } from "../../../service/consume/once.ts";
import { WorkBusy } from "../../../service/consume/retry.ts";
import { createMemoryAutomation } from "../../support/memory-automation.ts";
import { createMemoryRuntime } from "../../support/memory-ports.ts";

/** Claims on a clock that the test moves; renewals happen when it does. */
function rig() {
  const state = { nowMs: 0 };
  const renewals = new Set<() => void>();
  const { claims } = createMemoryAutomation(() => state.nowMs);
  const runtime = {
    ...createMemoryRuntime(),
    every: (_ms: number, action: () => void) => {
      renewals.add(action);
      return () => renewals.delete(action);
    },
  };
  const advance = (ms: number, { renews = true } = {}) => {
    state.nowMs += ms;
    if (renews) for (const renew of renewals) renew();
  };
  return { claims, runtime, advance, renewals };
}

describe("work that is done once", () => {
  it("is not done again, and everybody gets its result", async () => {
    const services = rig();
    assert.equal(await once(services, "w", async () => "first"), "first");
    assert.equal(await once(services, "w", async () => assert.fail("again")), "first");
    assert.equal(services.renewals.size, 0);
  });

  it("is busy while it is under way, for as long as that takes, and free when it failed", async () => {
    const services = rig();
    let fail: (error: Error) => void = () => {};
    const running = once(services, "w", () => new Promise((_, reject) => (fail = reject)));
    for (let time = 0; time < 5; time += 1) {
      services.advance(limits.claimLeaseMs / 2);
      await assert.rejects(
        once(services, "w", async () => assert.fail("twice at a time")),
        WorkBusy,
      );
    }
    fail(new Error("no"));
    await assert.rejects(running, { message: "no" });
    assert.equal(await once(services, "w", async () => "second"), "second");
  });

  it("is taken over from an owner who went silent, with its note, and the old owner completes nothing", async () => {
    const services = rig();
    let finish: (result: string) => void = () => {};
    const lost = once(services, "w", async ({ annotate }) => {
      await annotate("half way");
      return new Promise<string>((resolve) => (finish = resolve));
    });
    await new Promise(setImmediate);
    services.advance(limits.claimLeaseMs, { renews: false });
    const notes: unknown[] = [];
    const result = await once(services, "w", async ({ note }) => {
      notes.push(note);
      return "second";
    });
    finish("first");
    await assert.rejects(lost, { code: "unavailable" });
    assert.deepEqual(
      [notes, result, await once(services, "w", async () => "third")],
      [["half way"], "second", "second"],
    );
  });
});

describe("work under a claim", () => {
  it("is one owner's at a time, for as long as that takes, and the next one's with the note", async () => {
    const services = rig();
    let finish: () => void = () => {};
    const running = underClaim(services, "w", async ({ annotate }) => {
      await annotate("done");
      return new Promise<string>((resolve) => {
        finish = () => resolve("first");
      });
    });
    await new Promise(setImmediate);
    for (let time = 0; time < 5; time += 1) {
      services.advance(limits.claimLeaseMs / 2);
      assert.equal(await underClaim(services, "w", async () => assert.fail("twice at a time")), undefined);
    }
    finish();
    assert.deepEqual(await running, { result: "first" });
    assert.deepEqual(await underClaim(services, "w", async ({ note }) => note), { result: "done" });
    assert.equal(services.renewals.size, 0);
  });

  it("is free when it failed", async () => {
    const services = rig();
    const failing = underClaim(services, "w", () => Promise.reject(new Error("no")));
    await assert.rejects(failing, { message: "no" });
    assert.deepEqual(await underClaim(services, "w", async () => "second"), { result: "second" });
  });
});
