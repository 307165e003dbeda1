import { FileError, type FileErrorCode } from "../../core/errors.ts";

/** What the error numbers of POSIX mean to a client, and the sentence that it is told. */
const meanings: Readonly<Record<string, readonly [FileErrorCode, string]>> = {
  ENOENT: ["not-found", "there is no such file or folder"],
  ENOTDIR: ["not-a-directory", "a part of the path is not a folder"],
  ELOOP: ["not-a-directory", "a part of the path is a link"],
  EISDIR: ["not-a-file", "a folder has this name"],
  EEXIST: ["already-exists", "the name is taken"],
  ENOTEMPTY: ["directory-not-empty", "the folder is not empty"],
  EINVAL: ["invalid-argument", "the operation is not possible with these names or values"],
  ENAMETOOLONG: ["invalid-path", "the path is too long"],
  EILSEQ: ["invalid-path", "the file system refuses the name"],
  EFBIG: ["too-large", "the file is too large for the file system"],
  ENOSPC: ["quota-exceeded", "the store is full"],
  EDQUOT: ["quota-exceeded", "the store's quota is used up"],
  EACCES: ["permission-denied", "the operating system denies access"],
  EPERM: ["permission-denied", "the operating system denies the operation"],
  ENOTSUP: ["unsupported", "the file system does not support the operation"],
  EXDEV: ["unsupported", "another file system is mounted inside the store"],
};

/**
 * The one place where an error of the operating system becomes a FileError. An error number without a meaning of its
 * own (`EMFILE`, `EIO`, `EROFS` …) is trouble of this machine: `unavailable`. Errors that do not come from the
 * operating system are bugs and stay what they are.
 */
export function toFileError(error: unknown): unknown {
  if (!isSystemError(error)) return error;
  const [code, message] = meanings[error.code] ?? ["unavailable", "the store cannot do this at the moment"];
  return new FileError(code, message, { cause: error });
}

/** True when `error` is a FileError with one of these codes. */
export function hasCode(error: unknown, ...codes: readonly FileErrorCode[]): boolean {
  return error instanceof FileError && codes.includes(error.code);
}

function isSystemError(error: unknown): error is Error & { code: string } {
  return error instanceof Error && "errno" in error && "code" in error && typeof error.code === "string";
}
