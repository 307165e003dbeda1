import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { PacketMemory } from "../../../protocols/sftp/packet-memory.ts";

const KiB = 1024;

describe("PacketMemory", () => {
  it("gives released memory to the next who asks for about as much", () => {
    const memory = new PacketMemory(1024 * KiB);
    const first = memory.take(100 * KiB + 1);
    memory.release(first.subarray(7, 9));
    const second = memory.take(100 * KiB + 500);
    assert.equal(second.buffer, first.buffer);
    assert.equal(second.length, 100 * KiB + 500);
    assert.notEqual(memory.take(100 * KiB + 500).buffer, second.buffer);
  });

  it("takes nothing back twice, nor what does not come from it", () => {
    const memory = new PacketMemory(1024 * KiB);
    const taken = memory.take(32 * KiB);
    memory.release(taken);
    memory.release(taken);
    memory.release(Buffer.allocUnsafeSlow(32 * KiB));
    assert.equal(memory.take(32 * KiB).buffer, taken.buffer);
    assert.notEqual(memory.take(32 * KiB).buffer, taken.buffer);
  });

  it("does not lend what is small", () => {
    const memory = new PacketMemory(1024 * KiB);
    const small = memory.take(100);
    memory.release(small);
    assert.equal(memory.keptBytes, 0);
  });

  it("keeps no more than it may, and makes room for the sizes in use", () => {
    const memory = new PacketMemory(64 * KiB);
    const lent = [memory.take(32 * KiB), memory.take(32 * KiB), memory.take(40 * KiB), memory.take(80 * KiB)];
    for (const view of lent) memory.release(view);
    assert.equal(memory.keptBytes, 40 * KiB);
    assert.equal(memory.take(40 * KiB).buffer, lent[2]?.buffer);
  });
});
