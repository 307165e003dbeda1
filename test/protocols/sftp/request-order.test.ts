import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type Claim, RequestOrder } from "../../../protocols/sftp/request-order.ts";

const claims = fc.uniqueArray(
  fc.record({ lane: fc.constantFrom("names", "handle 1", "handle 2"), exclusive: fc.boolean() }),
  { maxLength: 3, selector: ({ lane }) => lane },
);

function conflict(left: readonly Claim[], right: readonly Claim[]): boolean {
  return left.some((one) => right.some((other) => one.lane === other.lane && (one.exclusive || other.exclusive)));
}

describe("the order of requests", () => {
  it("never lets a request overtake one that it conflicts with, and starts every other at once", () => {
    fc.assert(
      fc.property(fc.array(claims, { maxLength: 40 }), fc.infiniteStream(fc.nat()), (requests, choices) => {
        const order = new RequestOrder();
        const running = new Set<number>();
        const finished = new Set<number>();
        requests.forEach((wanted, index) => {
          order.enter(wanted, () => running.add(index));
        });
        while (running.size > 0) {
          requests.forEach((wanted, index) => {
            if (finished.has(index)) return;
            const mustWait = requests.some(
              (earlier, before) => before < index && !finished.has(before) && conflict(earlier, wanted),
            );
            assert.equal(running.has(index), !mustWait, `request ${index}`);
          });
          const next = [...running][(choices.next().value ?? 0) % running.size] ?? 0;
          running.delete(next);
          finished.add(next);
          order.leave(requests[next] ?? []);
        }
        assert.equal(finished.size, requests.length, "every request had its turn");
      }),
    );
  });

  it("lets what shares a lane run together", () => {
    const order = new RequestOrder();
    const started: string[] = [];
    const shared: Claim[] = [{ lane: "a", exclusive: false }];
    const exclusive: Claim[] = [{ lane: "a", exclusive: true }];
    order.enter(shared, () => started.push("first"));
    order.enter(shared, () => started.push("second"));
    order.enter(exclusive, () => started.push("third"));
    order.enter(shared, () => started.push("fourth"));
    assert.deepEqual(started, ["first", "second"]);
    order.leave(shared);
    assert.deepEqual(started, ["first", "second"]);
    order.leave(shared);
    assert.deepEqual(started, ["first", "second", "third"]);
    order.leave(exclusive);
    assert.deepEqual(started, ["first", "second", "third", "fourth"]);
  });

  it("starts requests of other lanes whatever waits in one", () => {
    const order = new RequestOrder();
    const started: string[] = [];
    order.enter([{ lane: "a", exclusive: true }], () => started.push("a"));
    order.enter([{ lane: "a", exclusive: true }], () => started.push("waits"));
    order.enter([{ lane: "b", exclusive: true }], () => started.push("b"));
    assert.deepEqual(started, ["a", "b"]);
  });
});
