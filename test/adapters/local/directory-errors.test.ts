import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { toFileError } from "../../../adapters/local/directory-errors.ts";
import { FileError } from "../../../core/errors.ts";

function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: at /srv/secret/path`), { code, errno: -1, syscall: "open" });
}

describe("errors of the operating system", () => {
  const expected = {
    ENOENT: "not-found",
    ENOTDIR: "not-a-directory",
    EISDIR: "not-a-file",
    EEXIST: "already-exists",
    ENOTEMPTY: "directory-not-empty",
    ENOSPC: "quota-exceeded",
    EDQUOT: "quota-exceeded",
    ENAMETOOLONG: "invalid-path",
    EFBIG: "too-large",
    EMFILE: "unavailable",
    ENFILE: "unavailable",
    EIO: "unavailable",
    EROFS: "unavailable",
    ESOMETHINGNEW: "unavailable",
  };
  for (const [errno, code] of Object.entries(expected)) {
    it(`${errno} is ${code}`, () => {
      const error = toFileError(systemError(errno));
      assert.ok(error instanceof FileError);
      assert.equal(error.code, code);
      assert.doesNotMatch(error.message, /secret/);
    });
  }

  it("are told from bugs, which stay what they are", () => {
    const bug = Object.assign(new TypeError("wrong type"), { code: "ERR_INVALID_ARG_TYPE" });
    assert.equal(toFileError(bug), bug);
    const refusal = new FileError("integrity", "refused");
    assert.equal(toFileError(refusal), refusal);
  });
});
