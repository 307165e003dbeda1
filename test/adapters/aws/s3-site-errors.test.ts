import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { siteFailure } from "../../../adapters/aws/s3-site-errors.ts";

describe("what an error of S3 means for a push or a pull", () => {
  const errors: readonly (readonly [number, string, string])[] = [
    [0, "TimeoutError", "unavailable"],
    [301, "PermanentRedirect", "invalid-argument"],
    [400, "InvalidRequest", "invalid-argument"],
    [400, "EntityTooLarge", "too-large"],
    [400, "ExpiredToken", "permission-denied"],
    [400, "RequestTimeout", "unavailable"],
    [400, "InvalidPart", "unavailable"],
    [403, "AccessDenied", "permission-denied"],
    [404, "NoSuchKey", "not-found"],
    [404, "NoSuchUpload", "unavailable"],
    [409, "OperationAborted", "unavailable"],
    [412, "PreconditionFailed", "already-exists"],
    [429, "TooManyRequests", "unavailable"],
    [500, "InternalError", "unavailable"],
    [503, "SlowDown", "unavailable"],
  ];
  for (const [httpStatusCode, name, code] of errors) {
    it(`${httpStatusCode} ${name}: ${code}`, () => {
      const failure = siteFailure({ name, message: "what S3 says", $metadata: { httpStatusCode } });
      assert.equal(failure.code, code);
      if (code === "permission-denied") assert.ok(failure.message.endsWith(`${name} (what S3 says)`));
    });
  }
});
