import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FileError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import { Leadership } from "../../gateway/leadership.ts";
import type { Leases } from "../../ports/leases.ts";
import { createMemoryLeases } from "../support/memory-leases.ts";
import { createMemoryRuntime } from "../support/memory-ports.ts";

/** Tasks with one clock, which moves only when a test says so. */
function createCluster(changes: Partial<Leases> = {}) {
  const clock = { nowMs: 1_000_000 };
  const now = () => clock.nowMs;
  const leases = { ...createMemoryLeases(now), ...changes };
  const task = (address: string) => new Leadership({ leases, address, runtime: { ...createMemoryRuntime(), now } });
  return { clock, leases, task };
}

describe("the leader of the tasks", () => {
  it("is one, and every other task knows it", async () => {
    const { task } = createCluster();
    const tasks = ["10.0.0.1:5000", "10.0.0.2:5000", "10.0.0.3:5000"].map(task);
    for (const each of tasks) await each.renew();
    assert.deepEqual(
      tasks.map(({ isLeader }) => isLeader),
      [true, false, false],
    );
    assert.deepEqual(new Set(tasks.map(({ leader }) => leader)), new Set(["10.0.0.1:5000"]));
  });

  it("stays as long as it renews its lease", async () => {
    const { task, clock } = createCluster();
    const [first, second] = [task("10.0.0.1:5000"), task("10.0.0.2:5000")];
    for (let round = 0; round < 10; round += 1) {
      assert.equal(await first.renew(), limits.leaderRenewMs);
      await second.renew();
      assert.deepEqual([first.isLeader, second.isLeader], [true, false]);
      clock.nowMs += limits.leaderRenewMs;
    }
  });

  it("is another within the time of one lease, whenever it dies", async () => {
    for (let diedAfterMs = 0; diedAfterMs < limits.leaderRenewMs; diedAfterMs += 700) {
      const { task, clock } = createCluster();
      const [first, second] = [task("10.0.0.1:5000"), task("10.0.0.2:5000")];
      await first.renew();
      clock.nowMs += diedAfterMs;
      const diedAtMs = clock.nowMs;
      // The standby looks whenever it says that it will.
      while (!second.isLeader) {
        const nextMs = await second.renew();
        assert.ok(!(first.isLeader && second.isLeader), "two lead");
        if (!second.isLeader) clock.nowMs += nextMs;
      }
      const failoverMs = clock.nowMs - diedAtMs;
      assert.ok(failoverMs <= limits.leaderLeaseMs, `${failoverMs} ms after it died ${diedAfterMs} ms into its lease`);
    }
  });

  it("stops leading before its lease ends for the others, when it cannot renew", async () => {
    let isDown = false;
    const { task, clock, leases } = createCluster();
    const [first, second] = [task("10.0.0.1:5000"), task("10.0.0.2:5000")];
    const take = leases.take;
    const heard: (string | undefined)[] = [];
    first.onChange((leader) => heard.push(leader));
    leases.take = async (request) => {
      if (isDown && request.owner === "10.0.0.1:5000") throw new FileError("unavailable", "no network");
      return take(request);
    };
    await first.renew();
    isDown = true;
    clock.nowMs += limits.leaderLeaseMs - limits.leaderMarginMs;
    assert.equal(first.isLeader, false);
    assert.equal(await first.renew(), limits.leaderRetryMs);
    await second.renew();
    assert.equal(second.isLeader, false);
    clock.nowMs += limits.leaderMarginMs;
    await second.renew();
    assert.equal(second.isLeader, true);
    isDown = false;
    await first.renew();
    assert.deepEqual([first.isLeader, first.leader], [false, "10.0.0.2:5000"]);
    assert.deepEqual(heard, ["10.0.0.1:5000", undefined, "10.0.0.2:5000"]);
  });

  it("that resigns is followed at once, and does not come back", async () => {
    const { task } = createCluster();
    const [first, second] = [task("10.0.0.1:5000"), task("10.0.0.2:5000")];
    await first.start();
    await first.resign();
    assert.equal(first.isLeader, false);
    await second.renew();
    assert.equal(second.isLeader, true);
    await first.renew();
    assert.deepEqual([first.isLeader, first.leader], [false, "10.0.0.2:5000"]);
    first.stop();
  });

  it("is waited for by whoever needs it", async () => {
    const { task } = createCluster();
    const first = task("10.0.0.1:5000");
    const known = first.untilKnown(60_000);
    await first.renew();
    assert.equal(await known, "10.0.0.1:5000");
    assert.equal(await first.untilKnown(0), "10.0.0.1:5000");
    assert.equal(await task("10.0.0.2:5000").untilKnown(0), undefined);
  });
});
