import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { limits } from "../../../core/limits.ts";
import { type Admission, ConnectionCounter } from "../../../service/session/admission.ts";

const { connections, unauthenticatedConnections, unauthenticatedConnectionsPerAddress } = limits;

/** Admits so many clients; answers their admissions and the numbers of those that were evicted. */
function admitted(counter: ConnectionCounter, addresses: readonly string[]) {
  const evicted: number[] = [];
  const admissions: (Admission | undefined)[] = [];
  for (const [index, address] of addresses.entries()) {
    admissions.push(
      counter.admit(address, () => {
        evicted.push(index);
        admissions[index]?.release();
      }),
    );
  }
  return { admissions, evicted };
}

const different = (count: number) => Array.from({ length: count }, (_, index) => `192.0.2.${index}`);
const same = (count: number) => Array.from({ length: count }, () => "203.0.113.9");

describe("the admission of connections", () => {
  it("evicts whoever has waited longest without a login when there are too many of them", () => {
    const { evicted } = admitted(new ConnectionCounter(), different(unauthenticatedConnections + 3));
    assert.deepEqual(evicted, [0, 1, 2]);
  });

  it("evicts from the address that has too many, and from no other", () => {
    const addresses = ["192.0.2.1", ...same(unauthenticatedConnectionsPerAddress + 2)];
    assert.deepEqual(admitted(new ConnectionCounter(), addresses).evicted, [1, 2]);
  });

  it("never evicts a client that has logged in", () => {
    const counter = new ConnectionCounter();
    const { admissions, evicted } = admitted(counter, different(unauthenticatedConnections));
    for (const admission of admissions.slice(0, 10)) admission?.authenticated();
    const later = admitted(counter, different(12));
    assert.deepEqual(evicted, [10, 11]);
    assert.deepEqual(later.evicted, []);
  });

  it("refuses when the server is full of clients, until one of them goes", () => {
    const counter = new ConnectionCounter();
    const [first] = Array.from({ length: connections }, () => {
      const admission = counter.admit("203.0.113.9", () => assert.fail("nobody waits for a login"));
      admission?.authenticated();
      return admission;
    });
    const admit = () => counter.admit("192.0.2.1", () => {});
    assert.equal(admit(), undefined);
    first?.release();
    first?.release();
    assert.ok(admit());
    assert.equal(admit(), undefined);
  });
});
