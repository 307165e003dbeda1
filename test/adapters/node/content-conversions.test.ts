import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, it } from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";
import { contentConversions } from "../../../adapters/node/content-conversions.ts";
import { FileError } from "../../../core/errors.ts";

async function* pieces(content: Uint8Array, size = 1000): AsyncIterable<Uint8Array> {
  for (let start = 0; start < content.length; start += size) yield content.subarray(start, start + size);
}

async function collected(content: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of content) parts.push(part);
  return Buffer.concat(parts);
}

describe("content conversions", () => {
  const { gzip, gunzip } = contentConversions;

  it("compress to what others can read, and read what others compress", async () => {
    for (const content of [Buffer.alloc(0), Buffer.from("text"), randomBytes(300_000), Buffer.alloc(3_000_000, "ab")]) {
      assert.deepEqual(gunzipSync(await collected(gzip(pieces(content)))), content);
      assert.deepEqual(await collected(gunzip(pieces(gzipSync(content)))), content);
    }
  });

  it("compress the same content to the same bytes, however it comes in", async () => {
    const content = Buffer.alloc(100_000, "a line of a log\n");
    assert.deepEqual(await collected(gzip(pieces(content, 7))), await collected(gzip(pieces(content))));
  });

  it("refuse what is no gzip, is damaged or is cut short", async () => {
    const compressed = gzipSync(randomBytes(10_000));
    const damaged = Buffer.from(compressed);
    damaged[5000] = (damaged[5000] ?? 0) ^ 1;
    for (const content of [Buffer.from("text"), damaged, compressed.subarray(0, 9000)]) {
      const isRefused = (error: unknown) => error instanceof FileError && error.code === "integrity";
      await assert.rejects(collected(gunzip(pieces(content))), isRefused);
    }
  });

  it("pass on the failure of the content, and stop reading it when nobody wants more", async () => {
    const state = { isClosed: false };
    async function* failing(): AsyncIterable<Uint8Array> {
      yield Buffer.from("text");
      throw new FileError("unavailable", "the store is away");
    }
    async function* endless(): AsyncIterable<Uint8Array> {
      try {
        for (;;) yield randomBytes(100_000);
      } finally {
        state.isClosed = true;
      }
    }
    await assert.rejects(collected(gzip(failing())), { code: "unavailable" });
    for await (const part of gzip(endless())) if (part.length > 0) break;
    while (!state.isClosed) await new Promise(setImmediate);
  });
});
