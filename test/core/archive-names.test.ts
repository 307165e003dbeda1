import assert from "node:assert/strict";
import { posix } from "node:path";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type ArchiveEntryType, ArchiveNames } from "../../core/archive-names.ts";
import { FileError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";

type Written = string | readonly [name: string, type: ArchiveEntryType];

function readAll(entries: readonly Written[]): string[] {
  const names = new ArchiveNames();
  return entries.map((entry) => {
    const [name, type] = typeof entry === "string" ? ([entry, "file"] as const) : entry;
    return names.add(name, type).join("/");
  });
}

describe("names in an archive", () => {
  const good: readonly (readonly [readonly Written[], readonly string[]])[] = [
    [
      ["a.txt", "b/c.txt"],
      ["a.txt", "b/c.txt"],
    ],
    [
      [["./", "directory"], "./a", ["b/", "directory"], "b/c"],
      ["", "a", "b", "b/c"],
    ],
    [
      ["b/c", ["b/", "directory"], "b/d"],
      ["b/c", "b", "b/d"],
    ],
    [
      ["..a", "a..", "...", ".hidden", "c d", "ü"],
      ["..a", "a..", "...", ".hidden", "c d", "ü"],
    ],
  ];
  for (const [entries, paths] of good) {
    it(`are taken: ${JSON.stringify(entries)}`, () => assert.deepEqual(readAll(entries), paths));
  }

  const bad: readonly (readonly [readonly Written[], RegExp])[] = [
    [["../a"], /"\.\.\/a": the name leads out of the folder/],
    [["a/../../b"], /leads out of the folder/],
    [["a/.."], /leads out of the folder/],
    [["/etc/passwd"], /absolute path/],
    [["./../a"], /leads out/],
    [[".//a"], /absolute path|empty part/],
    [["C:/a"], /drive letter/],
    [["c:a"], /drive letter/],
    [["a\\b"], /backslash/],
    [["..\\a"], /backslash/],
    [["a\0b"], /control character/],
    [["a\nb"], /control character/],
    [[""], /empty part/],
    [["a//b"], /empty part/],
    [["a/./b"], /empty part or \./],
    [["a/"], /empty part/],
    [["\ud800"], /not Unicode/],
    [["a\ufffd"], /not Unicode/],
    [["x".repeat(256)], /more than 255 bytes/],
    [["ü".repeat(128)], /more than 255 bytes/],
    [[`${"a/".repeat(limits.archiveDepth)}b`], /folders deep/],
    [[["a", "link"]], /"a": a link does not come out/],
    [[["dev", "special"]], /special file/],
    [["a", "a"], /"a": the name is there twice/],
    [["a.txt", "A.TXT"], /"A.TXT": it differs from "a.txt" by case/],
    [["b/c", "B/d"], /"B\/d": it differs from "b" by case/],
    [["\u00fc", "u\u0308"], /Unicode form/],
    [["a", "a/b"], /is a file and a folder/],
    [["a/b", "a"], /is a file and a folder/],
    [["a", ["a/", "directory"]], /is a file and a folder/],
  ];
  for (const [entries, message] of bad) {
    it(`are refused: ${JSON.stringify(entries).slice(0, 80)}`, () => {
      assert.throws(
        () => readAll(entries),
        (error) => error instanceof FileError && message.test(error.message),
      );
    });
  }

  it("are no more than the limit", () => {
    const names = new ArchiveNames();
    for (let count = 0; count < limits.archiveEntries; count += 1) names.add(`${count}`, "file");
    assert.throws(() => names.add("more", "file"), /more than 10000 entries/);
  });

  it("never lead out of the folder, whatever they are", () => {
    const part = fc.constantFrom("..", ".", "", "a", "B", "/", "\\", "C:", "\0", "u\u0308", "\ud800", "x y", "...");
    const written = fc.array(part, { maxLength: 6 }).map((parts) => parts.join("/"));
    fc.assert(
      fc.property(fc.array(fc.oneof(written, fc.string()), { maxLength: 5 }), (names) => {
        const archive = new ArchiveNames();
        const paths = new Set<string>();
        for (const name of names) {
          let segments: readonly string[];
          try {
            segments = archive.add(name, "file");
          } catch (error) {
            assert.ok(error instanceof FileError, `${error}`);
            continue;
          }
          const path = `/folder/${segments.join("/")}`;
          assert.equal(posix.normalize(path), path);
          assert.ok(path.startsWith("/folder/") && path !== "/folder/");
          assert.ok(!paths.has(path.normalize("NFC").toLowerCase()));
          paths.add(path.normalize("NFC").toLowerCase());
        }
      }),
      { numRuns: 2000 },
    );
  });
});
