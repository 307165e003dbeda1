import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseByteRange } from "../../../protocols/http/byte-range.ts";

const size = fc.nat({ max: 1000 });
const position = fc.nat({ max: 1100 });

test("a range from one byte to another has the bytes between them that the file has", () => {
  fc.assert(
    fc.property(size, position, position, (bytes, first, last) => {
      const content = Array.from({ length: bytes }, (_, index) => index);
      const expected = content.filter((index) => index >= first && index <= last);
      const range = parseByteRange(`bytes=${first}-${last}`, bytes);
      if (last < first) assert.equal(range, undefined);
      else if (expected.length === 0) assert.equal(range, "unsatisfiable");
      else assert.deepEqual(range, { start: expected[0], end: (expected.at(-1) ?? 0) + 1 });
    }),
  );
});

test("an open range goes to the end, and a suffix is the end", () => {
  fc.assert(
    fc.property(size, position, (bytes, count) => {
      const open = count < bytes ? { start: count, end: bytes } : "unsatisfiable";
      assert.deepEqual(parseByteRange(`bytes=${count}-`, bytes), open);
      const suffix = Math.min(count, bytes);
      const end = suffix > 0 ? { start: bytes - suffix, end: bytes } : "unsatisfiable";
      assert.deepEqual(parseByteRange(`bytes=-${count}`, bytes), end);
    }),
  );
});

test("whatever the text, a range lies within the file", () => {
  const text = fc.oneof(fc.string(), fc.stringMatching(/^bytes=[-0-9, ]{0,40}$/));
  fc.assert(
    fc.property(text, size, (header, bytes) => {
      const range = parseByteRange(header, bytes);
      if (typeof range !== "object") return;
      assert.ok(range.start >= 0 && range.start < range.end && range.end <= bytes);
    }),
  );
});
