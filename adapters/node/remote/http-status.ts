import type { IncomingHttpHeaders } from "node:http";
import { FileError, type FileErrorCode } from "../../../core/errors.ts";
import { wordsOf } from "./server-words.ts";

/** What may pass: RFC 9110 §15, RFC 4918 §11, RFC 6585 §4 and RFC 8470 §5.2; all from 500 on but those below. */
const mayPass: readonly number[] = [408, 421, 423, 425, 429];

const meanings: ReadonlyMap<number, FileErrorCode> = new Map([
  [401, "permission-denied"],
  [403, "permission-denied"],
  [404, "not-found"],
  [405, "permission-denied"],
  [407, "permission-denied"],
  [410, "not-found"],
  [412, "precondition-failed"],
  [413, "too-large"],
  // The method or the version of HTTP is not known: it will not be in a minute.
  [501, "unsupported"],
  [505, "unsupported"],
]);

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Of the content, as far as it was read. */
  readonly text?: string | undefined;
}

/** What a status means that is no success, with what the server says about it. */
export function httpFailure({ status, headers, text }: Answer, path: string, nowMs: number): FileError {
  const words = detailIn(headers["content-type"], text);
  const said = `the destination answered ${status} for ${path}${words === "" ? "" : `: ${words}`}`;
  const known = meanings.get(status);
  const isPassing = known === undefined && (mayPass.includes(status) || status >= 500);
  if (!isPassing) return new FileError(known ?? "invalid-argument", said);
  return new FileError("unavailable", said, { retryAfterMs: retryAfterMs(headers["retry-after"], nowMs) });
}

/** RFC 9110 §10.2.3: seconds, or a date. */
function retryAfterMs(value: string | undefined, nowMs: number): number | undefined {
  if (value === undefined) return undefined;
  const delayMs = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - nowMs;
  return delayMs > 0 ? delayMs : undefined;
}

/** The words of a problem document (RFC 9457) or of plain text; a page for people has none for a record. */
function detailIn(type: string | undefined, text: string | undefined): string {
  if (text === undefined || type === undefined) return "";
  if (type.startsWith("text/plain")) return wordsOf(text);
  if (!/^application\/(?:[\w.-]+\+)?json\b/.test(type)) return "";
  try {
    const { detail, title, message }: Record<string, unknown> = Object(JSON.parse(text));
    return wordsOf(String(detail ?? title ?? message ?? ""));
  } catch (error) {
    if (error instanceof SyntaxError) return "";
    throw error;
  }
}
