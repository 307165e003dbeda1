import { FileError } from "../../core/errors.ts";

interface S3Failure {
  readonly name?: string;
  readonly message?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
}

const mostCharacters = 200;
const refusals = ["AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "Forbidden", "ExpiredToken"];
/** Below 500 and yet for a moment only; without its upload a write begins anew. */
const passing = ["RequestTimeout", "OperationAborted", "ConditionalRequestConflict", "NoSuchUpload", "InvalidPart"];
const passingStatuses: readonly number[] = [0, 408, 409, 425, 429];

/** What S3 means that is no success: what the request is refused for below 500 is for good, but for some. */
export function siteFailure(error: unknown, path = "it"): FileError {
  if (error instanceof FileError) return error;
  const { name = "", message = "", $metadata } = error as S3Failure;
  const status = $metadata?.httpStatusCode ?? 0;
  const words = message === "" || message === name ? "" : ` (${message.slice(0, mostCharacters)})`;
  const said = `${name || "nothing"}${words}`;
  const options = { cause: error };
  if (status === 412 || name === "PreconditionFailed") {
    return new FileError("already-exists", `${path} exists at the destination already`, options);
  }
  if (status >= 500 || passingStatuses.includes(status) || passing.includes(name)) {
    return new FileError("unavailable", `the destination answered: ${said}`, options);
  }
  if (status === 404) return new FileError("not-found", `the destination has no such file: ${name}`, options);
  if (status === 401 || status === 403 || refusals.includes(name)) {
    return new FileError("permission-denied", `the destination refused: ${said}`, options);
  }
  const code = status === 413 || name === "EntityTooLarge" ? "too-large" : "invalid-argument";
  return new FileError(code, `the destination refused: ${said}`, options);
}
