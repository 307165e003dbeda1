import assert from "node:assert/strict";
import { FileError, type FileErrorCode } from "../../core/errors.ts";

/** Asserts that the promise fails with this code. */
export async function refuses(code: FileErrorCode, attempt: Promise<unknown>): Promise<void> {
  await assert.rejects(attempt, (error) => {
    assert.ok(error instanceof FileError, `not a FileError: ${error}`);
    assert.equal(error.code, code, error.message);
    return true;
  });
}

/** How many of the attempts succeed; the others have to fail with one of `codes`. */
export async function countSuccesses(codes: readonly FileErrorCode[], attempts: Promise<unknown>[]): Promise<number> {
  const results = await Promise.allSettled(attempts);
  for (const result of results) {
    if (result.status === "fulfilled") continue;
    assert.ok(result.reason instanceof FileError && codes.includes(result.reason.code), String(result.reason));
  }
  return results.filter(({ status }) => status === "fulfilled").length;
}
