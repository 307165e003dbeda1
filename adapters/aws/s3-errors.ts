import { S3ServiceException } from "@aws-sdk/client-s3";
import { FileError, type FileErrorCode } from "../../core/errors.ts";

/** Errors of S3 that have a meaning of their own (docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html). */
const meanings: Readonly<Record<string, readonly [FileErrorCode, string]>> = {
  NoSuchKey: ["not-found", "there is no such file"],
  NotFound: ["not-found", "there is no such file"],
  PreconditionFailed: ["precondition-failed", "the file has changed"],
  ConditionalRequestConflict: ["precondition-failed", "the file is changing"],
  EntityTooLarge: ["too-large", "the file is too large for the store"],
  KeyTooLongError: ["invalid-path", "the path is too long for the store"],
  AccessDenied: ["permission-denied", "the store denies access"],
};

/** Credentials that are being replaced, and a clock that is wrong: trouble of ours, though the status is 403. */
const credentialTroubles = [
  "ExpiredToken",
  "InvalidAccessKeyId",
  "InvalidToken",
  "RequestTimeTooSkewed",
  "SignatureDoesNotMatch",
];

/**
 * The one place where an error of S3 becomes a FileError. What has no meaning of its own (`SlowDown`, `InternalError`,
 * a lost connection, a missing bucket …) is trouble that may pass: `unavailable`. FileErrors stay what they are.
 */
export function toFileError(error: unknown): unknown {
  if (error instanceof FileError) return error;
  const name = error instanceof S3ServiceException ? error.name : "";
  const [code, message] = meanings[name] ??
    byStatus(error) ?? ["unavailable", "the store cannot do this at the moment"];
  return new FileError(code, message, { cause: error });
}

/** What the bucket's policy denies to everybody until a scanner has found it clean. */
export class BeingScanned extends FileError {
  constructor(cause: unknown) {
    super("unavailable", "the file is being scanned; try again in a moment", { cause });
  }
}

/** Answers to HEAD have no body, so no name: the status has to do. */
function byStatus(error: unknown): readonly [FileErrorCode, string] | undefined {
  const status = statusOf(error);
  if (isNamed(error, ...credentialTroubles)) return undefined;
  if (status === 412) return meanings.PreconditionFailed;
  if (status === 403) return meanings.AccessDenied;
  return undefined;
}

/** The status of the answer; undefined when there was none. */
export function statusOf(error: unknown): number | undefined {
  return error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
}

export function isNamed(error: unknown, ...names: readonly string[]): boolean {
  return error instanceof Error && names.includes(error.name);
}

/** False when S3 has refused, so that the request can have no effect: also none from an earlier try of it. */
export function mayHaveHadEffect(error: unknown): boolean {
  const status = statusOf(error);
  return status === undefined || status >= 500;
}

export function hasCode(error: unknown, ...codes: readonly FileErrorCode[]): boolean {
  return error instanceof FileError && codes.includes(error.code);
}
