import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { limits } from "../../../core/limits.ts";
import { WriteSequence } from "../../../service/session/write-sequence.ts";

/** Collects what is stored; fails on the write with the number `failAt`. */
function collector(failAt = Number.POSITIVE_INFINITY) {
  const chunks: Uint8Array[] = [];
  const store = async (chunk: Uint8Array) => {
    await Promise.resolve();
    if (chunks.length === failAt) throw new Error("disk on fire");
    chunks.push(chunk);
  };
  return { store, bytes: () => Buffer.concat(chunks) };
}

const pieces = fc.array(fc.uint8Array({ minLength: 1, maxLength: 50 }), { minLength: 1, maxLength: 20 });

describe("WriteSequence", () => {
  it("stores pieces in order, whatever the order in which they come", async () => {
    await fc.assert(
      fc.asyncProperty(pieces, fc.infiniteStream(fc.nat()), async (content, shuffle) => {
        const { store, bytes } = collector();
        const sequence = new WriteSequence(0, store);
        let offset = 0;
        const writes = content.map((chunk) => {
          offset += chunk.length;
          return { chunk, offset: offset - chunk.length, rank: shuffle.next().value };
        });
        writes.sort((left, right) => left.rank - right.rank);
        await Promise.all(writes.map((write) => sequence.write(write.offset, write.chunk)));
        await sequence.drain();
        assert.deepEqual(bytes(), Buffer.concat(content));
        assert.equal(sequence.end, offset);
      }),
    );
  });

  it("needs nothing of the caller's memory once a write is answered", async () => {
    const stored: string[] = [];
    const sequence = new WriteSequence(0, async (chunk) => {
      await Promise.resolve();
      stored.push(Buffer.from(chunk).toString());
    });
    const memory = Buffer.alloc(5);
    for (const [offset, text] of [
      [5, "world"],
      [10, "again"],
      [0, "hello"],
    ] as const) {
      memory.write(text);
      await sequence.write(offset, memory);
    }
    memory.fill("x");
    await sequence.drain();
    assert.deepEqual(stored, ["hello", "world", "again"]);
  });

  it("says where bytes are missing when it is drained with a gap", async () => {
    const sequence = new WriteSequence(0, collector().store);
    await sequence.write(0, new Uint8Array(10));
    await sequence.write(15, new Uint8Array(5));
    await assert.rejects(sequence.drain(), { code: "integrity", message: "bytes are missing at offset 10" });
  });

  it("refuses bytes that were written already, and stays failed", async () => {
    const sequence = new WriteSequence(0, collector().store);
    await sequence.write(0, new Uint8Array(10));
    await assert.rejects(sequence.write(5, new Uint8Array(1)), { code: "unsupported" });
    await assert.rejects(sequence.write(10, new Uint8Array(1)), { code: "unsupported" });
    await assert.rejects(sequence.drain(), { code: "unsupported" });
  });

  it("holds no more than its window ahead of the end", async () => {
    const sequence = new WriteSequence(0, collector().store);
    await sequence.write(1, new Uint8Array(limits.reorderWindowBytes));
    await assert.rejects(sequence.write(2 * limits.reorderWindowBytes, new Uint8Array(1)), { code: "unsupported" });
  });

  it("refuses offsets beyond the largest file", async () => {
    for (const offset of [limits.fileBytes, Number.MAX_SAFE_INTEGER, -1, 0.5, Number.NaN]) {
      const sequence = new WriteSequence(0, collector().store);
      await assert.rejects(sequence.write(offset, new Uint8Array(1)), { code: "too-large" });
    }
  });

  it("tells every later write and the drain that a write failed", async () => {
    const sequence = new WriteSequence(0, collector(1).store);
    await sequence.write(0, new Uint8Array(1));
    await assert.rejects(sequence.write(1, new Uint8Array(1)), /disk on fire/);
    await assert.rejects(sequence.write(2, new Uint8Array(1)), /disk on fire/);
    await assert.rejects(sequence.drain(), /disk on fire/);
  });

  it("stores nothing more once it is stopped", async () => {
    const { store, bytes } = collector();
    const sequence = new WriteSequence(0, store);
    const first = sequence.write(0, new Uint8Array(1));
    const second = sequence.write(1, new Uint8Array(1));
    await Promise.allSettled([sequence.stop(), first, second]);
    const stored = bytes().length;
    await assert.rejects(sequence.write(2, new Uint8Array(1)));
    assert.equal(bytes().length, stored);
  });
});
