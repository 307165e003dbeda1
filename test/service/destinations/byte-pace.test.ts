import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BytePace, paced } from "../../../service/destinations/byte-pace.ts";

/** A clock that goes on only when somebody waits. */
function clockOf() {
  const clock = { nowMs: 0 };
  const every = (ms: number, action: () => void) => {
    const dueMs = clock.nowMs + ms;
    const timer = setImmediate(() => {
      clock.nowMs = Math.max(clock.nowMs, dueMs);
      action();
    });
    return () => clearImmediate(timer);
  };
  return { clock, runtime: { now: () => clock.nowMs, every } };
}

async function* blocks(count: number, bytes: number) {
  for (let index = 0; index < count; index += 1) yield new Uint8Array(bytes).fill(index);
}

async function drained(content: AsyncIterable<Uint8Array>): Promise<number> {
  let bytes = 0;
  for await (const piece of content) bytes += piece.length;
  return bytes;
}

describe("a limit of the bandwidth", () => {
  it("holds for one transfer and for several together", async () => {
    for (const transfers of [1, 3]) {
      const { clock, runtime } = clockOf();
      const pace = new BytePace(runtime, 1_000_000);
      const moved = await Promise.all(
        Array.from({ length: transfers }, () => drained(paced(blocks(10, 300_000), pace, () => {}))),
      );
      const bytes = moved.reduce((sum, one) => sum + one, 0);
      assert.equal(bytes, transfers * 3_000_000);
      const rate = (bytes / clock.nowMs) * 1000;
      assert.ok(rate > 900_000 && rate < 1_100_000, `${rate} bytes a second with ${transfers} transfers`);
    }
  });

  it("lets bytes through in pieces that are small enough to come often", async () => {
    const { runtime } = clockOf();
    for (const [bytesPerSecond, most] of [
      [100, 1024],
      [80_000, 10_000],
      [undefined, 256 * 1024],
    ] as const) {
      const pace = new BytePace(runtime, bytesPerSecond);
      let passed = 0;
      const count = (bytes: number) => {
        passed += bytes;
      };
      for await (const piece of paced(blocks(1, 300_000), pace, count)) {
        assert.ok(piece.length <= most, `${piece.length}`);
        if (bytesPerSecond === 100) break;
      }
      assert.ok(passed > 0);
    }
  });
});
