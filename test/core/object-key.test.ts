import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { FileError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import { compareByBytes, isObjectName, objectKeySegments } from "../../core/object-key.ts";

const text = fc.oneof(fc.string({ unit: "binary", maxLength: 8 }), fc.string({ unit: "grapheme", maxLength: 8 }));
const name = text.filter(isObjectName);

describe("an objectKey", () => {
  it("is its segments joined by slashes, and the root is empty", () => {
    assert.deepEqual(objectKeySegments(""), []);
    fc.assert(
      fc.property(fc.array(name, { minLength: 1 }), (names) =>
        assert.deepEqual(objectKeySegments(names.join("/")), names),
      ),
    );
  });

  it("is refused whole when one segment is no name", () => {
    const refused = fc.oneof(
      fc.constantFrom("", ".", "..", "a\0", "\n", "\u0085", "\ud800"),
      fc.constant("x".repeat(256)),
    );
    fc.assert(
      fc.property(fc.array(name, { minLength: 1 }), refused, fc.nat(), (names, intruder, at) => {
        const segments = names.toSpliced(at % (names.length + 1), 0, intruder);
        assert.throws(() => objectKeySegments(segments.join("/")), FileError);
      }),
    );
  });

  it("has at most the bytes that S3 allows", () => {
    const longest = Array.from({ length: 4 }, () => "é".repeat(127)).join("/");
    assert.equal(objectKeySegments(`${longest}/${"x".repeat(limits.objectKeyBytes - 1020)}`).length, 5);
    assert.throws(() => objectKeySegments(`${longest}/${"x".repeat(limits.objectKeyBytes - 1019)}`), FileError);
  });
});

describe("names", () => {
  it("are up to 255 bytes of UTF-8", () => {
    for (const longest of ["x".repeat(255), "é".repeat(127), "\u{1f600}".repeat(63)]) assert.ok(isObjectName(longest));
    for (const longer of ["x".repeat(256), "é".repeat(128), "\u{1f600}".repeat(64)]) assert.ok(!isObjectName(longer));
  });

  it("sort as their bytes do", () => {
    const awkward = fc.constantFrom("", "a", "a\u0300", "\ud7ff", "\ue000", "\uffff", "\u{10000}", "\u{10ffff}", "a/b");
    const any = fc.array(fc.oneof(awkward, fc.string({ unit: "binary", maxLength: 4 }))).map((parts) => parts.join(""));
    fc.assert(
      fc.property(any, any, (left, right) => {
        const expected = Buffer.compare(Buffer.from(left), Buffer.from(right));
        assert.equal(Math.sign(compareByBytes(left, right)), expected);
      }),
      { numRuns: 1000 },
    );
  });
});
