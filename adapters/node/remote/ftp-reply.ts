import type { FTPError } from "basic-ftp";
import { FileError, type FileErrorCode } from "../../../core/errors.ts";
import { wordsOf } from "./server-words.ts";

/** Some say by a code for good what passes: a file that is open, too many logins, vsftpd that its process died. */
const mayPass = /\b(?:busy|locked|in use|used by another|try again|temporar|too many|maximum|limit|OOPS)/i;

/** RFC 959 §4.2.2, RFC 2228 §5.2, RFC 3659 and RFC 4217; other codes from 500 on are refusals too. */
const meanings: ReadonlyMap<number, FileErrorCode> = new Map([
  // A command or a parameter that is not known, or not understood.
  [500, "unsupported"],
  [501, "unsupported"],
  [502, "unsupported"],
  [503, "unsupported"],
  [504, "unsupported"],
  [522, "unsupported"],
  [551, "unsupported"],
  // One code stands for both that nothing is there and that nothing may be done there.
  [550, "not-found"],
  [552, "quota-exceeded"],
]);

/** What a reply means that is no success: below 500 it may pass (RFC 959 §4.2), from there on it is for good. */
export function ftpFailure(error: Pick<FTPError, "code" | "message">, path: string): FileError {
  const { code, message } = error;
  const options = { cause: error };
  const said = wordsOf(message.replace(/^\d{3}[ -]/, ""));
  const isForGood = code >= 500 && code < 600 && !(mayPass.test(said) && code !== 552);
  const meaning = isForGood ? (meanings.get(code) ?? "permission-denied") : "unavailable";
  switch (meaning) {
    case "not-found":
      return new FileError(meaning, `the destination has no such file: ${said}`, options);
    case "quota-exceeded":
      return new FileError(meaning, `the destination has no room: ${said}`, options);
    case "unavailable":
      return new FileError(meaning, `the destination answered: ${code} ${said}`, options);
    default:
      return new FileError(meaning, `the destination refused ${path}: ${code} ${said}`, options);
  }
}
