import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { localSegments, placeOf } from "../../../adapters/local/directory-key.ts";
import { FileError } from "../../../core/errors.ts";

describe("the place of an object in a directory", () => {
  it("is its folders and its name", () => {
    assert.deepEqual(placeOf("acme/inbox/a.pdf"), { folders: ["acme", "inbox"], name: "a.pdf" });
    assert.deepEqual(placeOf("a"), { folders: [], name: "a" });
    assert.equal(placeOf(""), undefined);
  });

  const traps = ["..\\a", "a\\b", "C:", "a:stream", "CON", "con.txt", "LPT1", "nul", "a.", "a ", "...", "a?", "a|b"];
  for (const name of traps) {
    it(`is refused on Windows for ${JSON.stringify(name)}, and only there`, () => {
      assert.throws(() => localSegments(`acme/${name}/a`, "win32"), FileError);
      assert.deepEqual(localSegments(`acme/${name}/a`, "linux"), ["acme", name, "a"]);
    });
  }

  it("is not refused on Windows for names that only look like traps", () => {
    for (const name of ["console", "a.con", "com", "nullable.txt", ".hidden", "a b"]) {
      assert.deepEqual(localSegments(name, "win32"), [name]);
    }
  });
});
