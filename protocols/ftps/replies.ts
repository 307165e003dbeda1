import { FileError, type FileErrorCode } from "../../core/errors.ts";

/** A reply of RFC 959 §4.2: three digits, and one line of text or several. */
export interface Reply {
  readonly code: number;
  readonly text: string | readonly string[];
}

/** A command that is answered with a refusal and has no effect. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * The wire form, with its CRLF. The inner lines of a long reply start with a space, so that none of them can be taken
 * for its last one (RFC 959 §4.2, RFC 2389 §3.2). Control characters become spaces: a reply is never two.
 */
export function formatReply({ code, text }: Reply): string {
  const lines = (typeof text === "string" ? [text] : text).map((line) => line.replace(/\p{Cc}/gu, " "));
  const last = lines.length - 1;
  return lines
    .map((line, index) => (index === last ? `${code} ${line}` : index === 0 ? `${code}-${line}` : ` ${line}`))
    .map((line) => `${line}\r\n`)
    .join("");
}

/**
 * A refused permission is 553 and a missing file 550, so that a client can tell the two apart. Only what may pass is
 * 4yz: clients such as lftp repeat a transfer without a pause after it.
 */
const codeOfFileError: Readonly<Record<FileErrorCode, number>> = {
  "not-found": 550,
  "permission-denied": 553,
  "already-exists": 550,
  "not-a-file": 550,
  "not-a-directory": 550,
  "directory-not-empty": 550,
  "invalid-path": 553,
  "invalid-argument": 550,
  unsupported: 550,
  "too-large": 552,
  "quota-exceeded": 552,
  "precondition-failed": 550,
  integrity: 550,
  unavailable: 450,
};

/** The reply to a failure that was expected; undefined for any other exception, whose message nobody may see. */
export function replyToError(error: unknown): Reply | undefined {
  if (error instanceof Refusal) return { code: error.code, text: error.message };
  if (error instanceof FileError) return { code: codeOfFileError[error.code], text: sentence(error.message) };
  return undefined;
}

export const internalError: Reply = { code: 451, text: "The server failed; the operator can read why." };

function sentence(message: string): string {
  return `${message.charAt(0).toUpperCase()}${message.slice(1)}.`;
}
