import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import type { Leases } from "../../ports/leases.ts";

export interface LeasesUnderTest {
  readonly leases: Leases;
  now(): number;
  /** Moves the clock on. */
  advance(ms: number): void;
  dispose(): Promise<void>;
}

/** What every keeper of leases has to do. */
export function describeLeases(title: string, create: () => Promise<LeasesUnderTest>): void {
  describe(`${title} as the keeper of leases`, () => {
    let keeper: LeasesUnderTest;
    beforeEach(async () => {
      keeper = await create();
    });
    afterEach(() => keeper.dispose());
    const leader = { group: "leader", name: "gateway", leaseMs: 15_000 };

    it("gives a thing to one owner, who may ask again", async () => {
      assert.equal(await keeper.leases.take({ ...leader, owner: "one" }), true);
      assert.equal(await keeper.leases.take({ ...leader, owner: "two" }), false);
      keeper.advance(10_000);
      assert.equal(await keeper.leases.take({ ...leader, owner: "one" }), true);
      const lease = { name: "gateway", owner: "one", endsAtMs: keeper.now() + 15_000 };
      assert.deepEqual(await keeper.leases.find("leader", "gateway"), lease);
    });

    it("gives it to one of many who ask at the same time", async () => {
      const owners = Array.from({ length: 20 }, (_, index) => `owner ${index}`);
      const answers = await Promise.all(owners.map((owner) => keeper.leases.take({ ...leader, owner })));
      const winners = owners.filter((_, index) => answers[index]);
      assert.equal(winners.length, 1);
      assert.equal((await keeper.leases.find("leader", "gateway"))?.owner, winners[0]);
    });

    it("takes what has ended for nobody's", async () => {
      await keeper.leases.take({ ...leader, owner: "one" });
      keeper.advance(14_999);
      assert.equal(await keeper.leases.take({ ...leader, owner: "two" }), false);
      keeper.advance(1);
      assert.equal(await keeper.leases.find("leader", "gateway"), undefined);
      assert.deepEqual(await keeper.leases.list("leader"), []);
      assert.equal(await keeper.leases.take({ ...leader, owner: "two" }), true);
      assert.equal(await keeper.leases.take({ ...leader, owner: "one" }), false);
    });

    it("takes a thing back from its owner only", async () => {
      await keeper.leases.take({ ...leader, owner: "one" });
      await keeper.leases.release("leader", "gateway", "two");
      assert.equal((await keeper.leases.find("leader", "gateway"))?.owner, "one");
      await keeper.leases.release("leader", "gateway", "one");
      assert.equal(await keeper.leases.find("leader", "gateway"), undefined);
      await keeper.leases.release("leader", "gateway", "one");
      assert.equal(await keeper.leases.take({ ...leader, owner: "two" }), true);
    });

    it("lists what is leased of one group", async () => {
      await keeper.leases.take({ group: "tasks", name: "b", owner: "10.0.0.2", leaseMs: 60_000 });
      await keeper.leases.take({ group: "tasks", name: "a", owner: "10.0.0.1", leaseMs: 1000 });
      await keeper.leases.take({ ...leader, owner: "10.0.0.1" });
      const names = async () => (await keeper.leases.list("tasks")).map(({ name, owner }) => `${name} ${owner}`);
      assert.deepEqual(await names(), ["a 10.0.0.1", "b 10.0.0.2"]);
      keeper.advance(1000);
      assert.deepEqual(await names(), ["b 10.0.0.2"]);
    });
  });
}
