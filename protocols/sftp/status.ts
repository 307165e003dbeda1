import type { FileErrorCode } from "../../core/errors.ts";
import { type StatusCode, statusCode } from "./replies.ts";

/**
 * What SFTP version 3 calls an expected failure. It has no codes for most of them, and many clients show the code
 * and not the sentence beside it, so the choice follows OpenSSH's server where that has the same failure.
 */
export function statusOf(code: FileErrorCode): StatusCode {
  switch (code) {
    case "not-found":
    case "not-a-directory":
      return statusCode.noSuchFile;
    case "permission-denied":
      return statusCode.permissionDenied;
    case "unsupported":
      return statusCode.opUnsupported;
    case "already-exists":
    case "not-a-file":
    case "directory-not-empty":
    case "invalid-path":
    case "invalid-argument":
    case "too-large":
    case "quota-exceeded":
    case "precondition-failed":
    case "integrity":
    case "unavailable":
      return statusCode.failure;
  }
}
