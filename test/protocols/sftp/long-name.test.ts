import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { attributesOf, longNameOf } from "../../../protocols/sftp/long-name.ts";

const nowMs = Date.UTC(2026, 10, 22, 14, 13);
const owner = { user: "acme", group: "partners" };
const file = {
  name: "a b.pdf",
  type: "file",
  size: 1234,
  modifiedAtMs: Date.UTC(2026, 10, 2, 3, 4),
  etag: "",
} as const;

describe("a line of a listing", () => {
  it("looks as ls -l prints it", () => {
    assert.equal(longNameOf(file, owner, nowMs), "-rw-r--r--    1 acme     partners       1234 Nov  2 03:04 a b.pdf");
    const folder = { ...file, type: "directory", size: 0 } as const;
    assert.equal(longNameOf(folder, owner, nowMs), "drwxr-xr-x    1 acme     partners          0 Nov  2 03:04 a b.pdf");
  });

  it("shows the year of what is older than half a year, or in the future", () => {
    for (const [modifiedAtMs, date] of [
      [Date.UTC(2025, 0, 31, 23, 59), "Jan 31  2025"],
      [Date.UTC(2027, 1, 1), "Feb  1  2027"],
      [0, "Jan  1  1970"],
    ] as const) {
      assert.ok(longNameOf({ ...file, modifiedAtMs }, owner, nowMs).includes(` ${date} `), date);
    }
  });

  it("keeps its columns apart when a name has spaces", () => {
    const line = longNameOf(file, { user: "two words", group: "g" }, nowMs);
    assert.deepEqual(line.split(/ +/).slice(0, 4), ["-rw-r--r--", "1", "two_words", "g"]);
  });
});

describe("attributes of an entry", () => {
  it("have times that fit into the protocol's 32 bits", () => {
    for (const [modifiedAtMs, seconds] of [
      [-5000, 0],
      [1999, 1],
      [8.64e15, 2 ** 32 - 1],
    ] as const) {
      assert.deepEqual(attributesOf({ ...file, modifiedAtMs }).times, { accessed: seconds, modified: seconds });
    }
  });

  it("say what is a folder", () => {
    assert.equal((attributesOf({ ...file, type: "directory" }).permissions ?? 0) & 0o170000, 0o040000);
    assert.equal((attributesOf(file).permissions ?? 0) & 0o170000, 0o100000);
  });
});
