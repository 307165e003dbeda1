import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { PartMemory } from "../../../adapters/aws/s3-part-memory.ts";
import { partBytes } from "../../../adapters/aws/s3-part-sizes.ts";
import { limits } from "../../../core/limits.ts";
import { refuses } from "../../contract/refusal.ts";

const MiB = 1024 ** 2;
const signal = new AbortController().signal;

describe("the sizes of parts", () => {
  it("reach the largest file with the parts that S3 takes", () => {
    const sizes = Array.from({ length: limits.storeParts }, (_, index) => partBytes(index + 1));
    assert.ok(sizes.reduce((sum, size) => sum + size, 0) >= limits.fileBytes);
    assert.ok(sizes.every((size) => size >= 5 * MiB && size <= limits.largestUploadPartBytes));
    assert.equal(sizes[0], limits.storePartBytes);
    assert.equal(sizes[limits.storeFirstParts - 1], limits.storePartBytes);
    assert.equal(sizes[limits.storeFirstParts], 2 * limits.storePartBytes);
  });
});

describe("the memory of uploads", () => {
  it("makes those wait for whom there is none, and serves them in their order", async () => {
    const memory = new PartMemory(32 * MiB);
    const held = await Promise.all([1, 2, 3].map(() => memory.part(8 * MiB, signal)));
    const order: number[] = [];
    const waiting = [1, 2].map(async (who) => {
      const buffer = await memory.part(8 * MiB, signal);
      order.push(who);
      return buffer;
    });
    await Promise.resolve();
    assert.deepEqual([order, memory.heldBytes], [[], 24 * MiB]);
    held[0]?.release();
    held[0]?.release();
    await waiting[0];
    assert.deepEqual([order, memory.heldBytes], [[1], 24 * MiB]);
    held[1]?.release();
    await waiting[1];
    assert.deepEqual(order, [1, 2]);
  });

  it("has first buffers also while all parts are taken", async () => {
    const memory = new PartMemory(32 * MiB);
    await memory.part(24 * MiB, signal);
    assert.equal((await memory.first(signal)).bytes.length, limits.storeFirstBufferBytes);
    assert.equal(memory.partAtOnce(1), undefined);
  });

  it("lets go of those who give up waiting, and serves those behind them", async () => {
    const memory = new PartMemory(32 * MiB);
    const held = await memory.part(16 * MiB, signal);
    const [impatient, reason] = [new AbortController(), new Error("enough")];
    const large = memory.part(24 * MiB, impatient.signal);
    const small = memory.part(8 * MiB, signal);
    impatient.abort(reason);
    await assert.rejects(large, reason);
    await small;
    held.release();
    await memory.part(16 * MiB, signal);
    await assert.rejects(memory.part(1, impatient.signal), reason);
  });

  it("refuses what it can never hold", async () => {
    await refuses("too-large", new PartMemory(32 * MiB).part(24 * MiB + 1, signal));
  });

  it("uses buffers again", async () => {
    const memory = new PartMemory(32 * MiB);
    const first = await memory.part(8 * MiB, signal);
    first.release();
    assert.equal((await memory.part(8 * MiB, signal)).bytes, first.bytes);
  });
});
