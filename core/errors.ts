/**
 * The closed list of reasons for which a file operation fails. Every protocol maps each of them once, in an
 * exhaustive switch. Any other exception is a bug and its message is never shown to a client.
 */
export type FileErrorCode =
  | "not-found"
  | "permission-denied"
  | "already-exists"
  | "not-a-file"
  | "not-a-directory"
  | "directory-not-empty"
  | "invalid-path"
  | "invalid-argument"
  | "unsupported"
  | "too-large"
  | "quota-exceeded"
  | "precondition-failed"
  | "integrity"
  | "unavailable";

interface FileErrorOptions {
  readonly rule?: string;
  readonly field?: string;
  readonly retryAfterMs?: number | undefined;
  readonly cause?: unknown;
}

/** An expected failure. `message` is one sentence that may be shown to the client. */
export class FileError extends Error {
  override readonly name = "FileError";
  readonly code: FileErrorCode;
  /** The permission rule that refused, for `permission-denied`. */
  readonly rule: string | undefined;
  /** How long to wait before it is tried again, for `unavailable`, where the other side says so. */
  readonly retryAfterMs: number | undefined;
  /** The parameter that is wrong, for `invalid-argument` and `invalid-path`. */
  readonly field: string | undefined;

  constructor(code: FileErrorCode, message: string, options: FileErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.rule = options.rule;
    this.field = options.field;
    this.retryAfterMs = options.retryAfterMs;
  }
}
