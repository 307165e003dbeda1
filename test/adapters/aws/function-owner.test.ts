import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FunctionOwner, isDeadFunction } from "../../../adapters/aws/function-owner.ts";
import { FileError } from "../../../core/errors.ts";
import { limits } from "../../../core/limits.ts";
import type { LeaseRequest } from "../../../ports/leases.ts";
import { createMemoryLeases } from "../../support/memory-leases.ts";

const longestCallMs = 15 * 60_000;

function createOwner() {
  let nowMs = 1_000_000;
  const taken: LeaseRequest[] = [];
  const memory = createMemoryLeases(() => nowMs);
  const leases = {
    ...memory,
    take: (request: LeaseRequest) => {
      taken.push(request);
      return memory.take(request);
    },
  };
  const owner = new FunctionOwner({ leases, runtime: { now: () => nowMs, newId: () => "1" } });
  const isDead = (name = owner.name) => isDeadFunction(leases, name);
  const pass = (ms: number) => {
    nowMs += ms;
  };
  return { leases, owner, taken, isDead, pass };
}

describe("a function", () => {
  it("lives from the start of a call until after its end, however late in a lease it began", async () => {
    const { owner, isDead, pass } = createOwner();
    assert.equal(await isDead(), true);
    for (const pauseMs of [0, limits.functionRenewMs - 1, limits.functionRenewMs, limits.functionLeaseMs]) {
      pass(pauseMs);
      await owner.live();
      pass(longestCallMs);
      assert.equal(await isDead(), false);
      pass(-longestCallMs);
    }
    pass(limits.functionLeaseMs);
    assert.equal(await isDead(), true);
  });

  it("writes at most once a call, and seldom when calls follow each other", async () => {
    const { owner, taken, pass } = createOwner();
    for (let call = 0; call < 10; call += 1) {
      await owner.live();
      pass(limits.functionRenewMs / 5);
    }
    assert.equal(taken.length, 2);
  });

  it("begins nothing when it cannot say that it lives", async () => {
    const { owner, leases, isDead } = createOwner();
    let isBroken = true;
    const faulty = new FunctionOwner({
      leases: {
        ...leases,
        take: (request) => (isBroken ? Promise.reject(new FileError("unavailable", "no table")) : leases.take(request)),
      },
      runtime: { now: () => 0, newId: () => "1" },
    });
    await assert.rejects(faulty.live(), { code: "unavailable" });
    isBroken = false;
    await faulty.live();
    assert.equal(await isDead(owner.name), false);
  });

  it("is the only one whose death is told here", async () => {
    const { isDead } = createOwner();
    assert.deepEqual([await isDead("task-1"), await isDead("local"), await isDead("function-2")], [false, false, true]);
  });
});
