import { FileError, type FileErrorCode } from "../../../core/errors.ts";
import { wordsOf } from "./server-words.ts";

/** draft-ietf-secsh-filexfer-02 §7; servers of version 3 use some of the later drafts too. */
export const sftpStatus = { endOfFile: 1, notFound: 2, permissionDenied: 3, failure: 4, unsupported: 8 } as const;

/**
 * Those that are for good. `SSH_FX_FAILURE` stands for whatever version 3 has no code for, a full disk and a file that
 * somebody has open among it, so it may pass.
 */
const meanings: ReadonlyMap<number, FileErrorCode> = new Map([
  [sftpStatus.notFound, "not-found"],
  [sftpStatus.permissionDenied, "permission-denied"],
  [5, "unsupported"],
  [sftpStatus.unsupported, "unsupported"],
  // draft-ietf-secsh-filexfer-13 §9.1: from SSH_FX_NO_SUCH_PATH to SSH_FX_LINK_LOOP.
  [10, "not-found"],
  [11, "already-exists"],
  [12, "permission-denied"],
  [15, "quota-exceeded"],
  [16, "permission-denied"],
  [18, "directory-not-empty"],
  [19, "not-a-directory"],
  [20, "invalid-path"],
  [21, "invalid-path"],
]);

/** What a status means that is no success. */
export function sftpFailure(code: number, message: string, cause?: unknown): FileError {
  const options = { cause };
  const said = wordsOf(message);
  const meaning = meanings.get(code) ?? "unavailable";
  if (meaning === "unavailable") return new FileError(meaning, `the destination answered: ${said}`, options);
  if (meaning === "not-found") return new FileError(meaning, "the destination has no such file", options);
  return new FileError(meaning, `the destination refused: ${said}`, options);
}
