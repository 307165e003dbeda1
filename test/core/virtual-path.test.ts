import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { FileError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import {
  childPath,
  isWithin,
  nameOf,
  parentOf,
  parseVirtualPath,
  rootPath,
  segmentsOf,
  utf8Length,
} from "../../core/virtual-path.ts";

const invalid = { name: "FileError", code: "invalid-path" };

test("a path is resolved to one absolute form", () => {
  const rows: readonly (readonly [string, string])[] = [
    ["", "/"],
    [".", "/"],
    ["/", "/"],
    ["//", "/"],
    ["a", "/a"],
    ["/a/", "/a"],
    ["//a//b", "/a/b"],
    ["/a/./b/.", "/a/b"],
    ["/a/../b", "/b"],
    ["/..", "/"],
    ["/../../etc/passwd", "/etc/passwd"],
    ["/a/b/../../../../c", "/c"],
    ["/...", "/..."],
    ["/.a/..b", "/.a/..b"],
    ["/a\\..\\b", "/a\\..\\b"],
    ["/%2e%2e/a", "/%2e%2e/a"],
    ["/ a ", "/ a "],
    ["/e\u0301", "/e\u0301"],
    ["/\u00e9", "/\u00e9"],
  ];
  for (const [raw, expected] of rows) assert.equal(parseVirtualPath(raw), expected, raw);
});

test("a path without a leading slash is relative to its base", () => {
  const base = parseVirtualPath("/home/acme");
  assert.equal(parseVirtualPath("a", base), "/home/acme/a");
  assert.equal(parseVirtualPath("../a", base), "/home/a");
  assert.equal(parseVirtualPath("", base), "/home/acme");
  assert.equal(parseVirtualPath("/a", base), "/a");
  assert.equal(parseVirtualPath("../../../a", base), "/a");
});

test("control characters and malformed Unicode are refused", () => {
  const characters = [
    ...Array.from({ length: 0x20 }, (_, code) => code),
    ...Array.from({ length: 0x21 }, (_, at) => 0x7f + at),
  ];
  for (const code of characters) assert.throws(() => parseVirtualPath(`/a${String.fromCharCode(code)}b`), invalid);
  for (const text of ["/\ud800", "/\udc00a", "/a\ud800/b"]) assert.throws(() => parseVirtualPath(text), invalid);
  assert.equal(parseVirtualPath("/\u00a0\u{10ffff}"), "/\u00a0\u{10ffff}");
});

test("names, depth and whole paths are limited in UTF-8 bytes", () => {
  const { pathSegmentBytes, pathDepth, pathBytes } = limits;
  assert.equal(parseVirtualPath("a".repeat(pathSegmentBytes)).length, pathSegmentBytes + 1);
  assert.throws(() => parseVirtualPath("a".repeat(pathSegmentBytes + 1)), invalid);
  assert.throws(() => parseVirtualPath("é".repeat((pathSegmentBytes + 1) / 2)), invalid);
  assert.equal(segmentsOf(parseVirtualPath("/a".repeat(pathDepth))).length, pathDepth);
  assert.throws(() => parseVirtualPath("/a".repeat(pathDepth + 1)), invalid);
  const longest = `/${"a".repeat(99)}`.repeat(pathBytes / 100);
  assert.equal(parseVirtualPath(longest), longest);
  assert.throws(() => parseVirtualPath(`${longest}/a`), invalid);
  assert.throws(() => parseVirtualPath("/".repeat(4 * pathBytes + 1)), invalid);
});

test("a child is one name", () => {
  assert.equal(childPath(parseVirtualPath("/a"), "b c"), "/a/b c");
  assert.equal(childPath(rootPath, "..."), "/...");
  for (const name of ["", ".", "..", "/", "a/b", "/a", "a\0"])
    assert.throws(() => childPath(rootPath, name), invalid, name);
});

test("names, parents and segments come apart and together again", () => {
  const path = parseVirtualPath("/a/b/c.txt");
  assert.equal(nameOf(path), "c.txt");
  assert.equal(parentOf(path), "/a/b");
  assert.deepEqual(segmentsOf(path), ["a", "b", "c.txt"]);
  assert.equal(nameOf(rootPath), "");
  assert.equal(parentOf(rootPath), "/");
  assert.equal(parentOf(parseVirtualPath("/a")), "/");
  assert.deepEqual(segmentsOf(rootPath), []);
});

test("being within a folder goes by whole names", () => {
  const within = (path: string, folder: string) => isWithin(parseVirtualPath(path), parseVirtualPath(folder));
  assert.equal(within("/share", "/share"), true);
  assert.equal(within("/share/a", "/share"), true);
  assert.equal(within("/share2", "/share"), false);
  assert.equal(within("/Share/a", "/share"), false);
  assert.equal(within("/", "/share"), false);
  assert.equal(within("/anything", "/"), true);
});

const fragment = fc.constantFrom(
  "/",
  "//",
  ".",
  "..",
  "a",
  "b",
  "...",
  " ",
  "é",
  "😀",
  "\\",
  "%2e",
  "\0",
  "\ud800",
  "~",
);
const rawPath = fc.oneof(
  fc.array(fragment, { maxLength: 20 }).map((parts) => parts.join("")),
  fc.string({ unit: "binary", maxLength: 50 }),
);

function parsedOrUndefined(raw: string, base = rootPath) {
  try {
    return parseVirtualPath(raw, base);
  } catch (error) {
    assert.ok(error instanceof FileError && error.code === "invalid-path", `${error}`);
    return undefined;
  }
}

test("whatever the text, it is refused or is an absolute path without dots that reads as itself", () => {
  fc.assert(
    fc.property(rawPath, rawPath, (raw, rawBase) => {
      const path = parsedOrUndefined(raw, parsedOrUndefined(rawBase) ?? rootPath);
      if (path === undefined) return;
      assert.ok(path.startsWith("/"));
      for (const segment of segmentsOf(path)) assert.ok(segment !== "" && segment !== "." && segment !== "..");
      assert.ok(!/\p{Cc}|\p{Cs}/u.test(path));
      assert.equal(parseVirtualPath(path), path);
      assert.equal(parseVirtualPath(path, parseVirtualPath("/other")), path);
      if (path !== rootPath) assert.equal(childPath(parentOf(path), nameOf(path)), path);
      assert.ok(isWithin(path, parentOf(path)));
    }),
    { numRuns: 3000 },
  );
});

test("dots are resolved as a walk that stops at the root resolves them", () => {
  const step = fc.constantFrom("a", "b", "..", ".", "");
  fc.assert(
    fc.property(fc.array(step, { maxLength: 15 }), (steps) => {
      let walked = "";
      for (const name of steps) {
        if (name === "..") walked = walked.slice(0, Math.max(0, walked.lastIndexOf("/")));
        else if (name !== "." && name !== "") walked += `/${name}`;
      }
      assert.equal(parseVirtualPath(steps.join("/")), walked === "" ? "/" : walked);
    }),
  );
});

test("the length in UTF-8 is what an encoder makes", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      assert.equal(utf8Length(text), new TextEncoder().encode(text).length);
    }),
  );
});
