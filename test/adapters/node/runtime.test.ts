import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { createIdSource, createRuntime } from "../../../adapters/node/runtime.ts";
import type { Log } from "../../../ports/runtime.ts";

const silent: Log = { info: () => {}, warn: () => {}, error: () => {} };

describe("identifiers", () => {
  const form = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

  it("are UUIDs of version 7 with the time in front", () => {
    const ids = createIdSource(() => 0x0123456789ab);
    const id = ids();
    assert.match(id, form);
    assert.ok(id.startsWith("01234567-89ab-7"));
  });

  it("rise, whatever the clock does", () => {
    const clock = fc.array(fc.integer({ min: 1, max: 2 ** 47 }), { minLength: 1, maxLength: 50 });
    fc.assert(
      fc.property(clock, (times) => {
        let index = 0;
        const newId = createIdSource(() => times[index++ % times.length] ?? 0);
        assertRising(Array.from({ length: 200 }, newId));
      }),
    );
  });

  it("rise within a millisecond, also when there are more than it has room for", () => {
    const ids = Array.from(
      { length: 20_000 },
      createIdSource(() => 1_700_000_000_000),
    );
    assertRising(ids);
    assert.ok((ids[0] ?? "") < (ids.at(-1) ?? ""));
  });

  it("keep to the time of the clock while a millisecond has room", () => {
    const ids = Array.from(
      { length: 2000 },
      createIdSource(() => 0x0123456789ab),
    );
    assert.ok(ids.every((id) => id.startsWith("01234567-89ab-7")));
  });

  it("cannot be foretold from the ones before", () => {
    const tails = Array.from(
      { length: 1000 },
      createIdSource(() => 1),
    ).map((id) => id.slice(19));
    assert.equal(new Set(tails).size, tails.length);
  });

  function assertRising(ids: readonly string[]): void {
    for (const [index, id] of ids.entries()) {
      assert.match(id, form);
      assert.ok(index === 0 || (ids[index - 1] ?? "") < id);
    }
  }
});

describe("the runtime", () => {
  it("digests with SHA-256", () => {
    const sha256 = createRuntime({ log: silent }).sha256();
    sha256.update(Buffer.from("a"));
    sha256.update(Buffer.from("bc"));
    // FIPS 180-2, appendix B.1.
    assert.equal(sha256.hex(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  });

  it("repeats an action until it is stopped, and logs one that fails", async () => {
    const failures: unknown[] = [];
    const log: Log = { ...silent, error: (_message, fields) => failures.push(fields?.error) };
    const { every } = createRuntime({ log });
    const repeated = Promise.withResolvers<void>();
    let count = 0;
    const stop = every(1, () => {
      count += 1;
      if (count === 3) repeated.resolve();
      throw new Error(`failure ${count}`);
    });
    // Repetitions do not keep the process alive; this does.
    const alive = setInterval(() => {}, 1000);
    await repeated.promise;
    stop();
    clearInterval(alive);
    assert.equal(count, 3);
    assert.equal(failures.length, 3);
  });
});
