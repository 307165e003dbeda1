import { FileError } from "../core/errors.ts";

/** A file to be judged, in the version that is to be published. */
export interface ScannedFile {
  /** Names the scan, also where the verdict comes later: the id of the transfer, or one made for the scan. */
  readonly scanId: string;
  /** Where the file lies in the store that the scanner was told of, for a scanner that looks there itself. */
  readonly objectKey: string;
  readonly bytes: number;
  /** Its content, from the beginning; each piece is good until the next is asked for. */
  content(): AsyncIterable<Uint8Array>;
}

/**
 * `pending`: the scanner will say later, by a message that names the scanId. `signature` is what was found, in the
 * scanner's words; `scanner` names the program and the state of its signatures, where it tells.
 */
export type ScanVerdict =
  | { readonly verdict: "clean"; readonly scanner?: string | undefined }
  | { readonly verdict: "infected"; readonly signature: string; readonly scanner?: string | undefined }
  | { readonly verdict: "pending" };

/** What is known about a file in the end. */
export type FinalVerdict = Exclude<ScanVerdict, { readonly verdict: "pending" }>;

/** The scanner was not reached at all: nothing of the file has got to it. */
export class ScannerDown extends FileError {
  constructor(message: string, cause?: unknown) {
    super("unavailable", message, { cause });
  }
}

/** Says whether files carry malware. */
export interface ContentScanner {
  /**
   * Looks at the whole content. Whatever is not a clear answer is an error: a part that was looked at is no verdict.
   * @throws ScannerDown; FileError `unavailable` for a scan that was begun and may be tried again; `too-large` for a
   * file that the scanner does not take; what `content` throws.
   */
  scan(file: ScannedFile): Promise<ScanVerdict>;
}
