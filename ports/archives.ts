import type { ArchiveFormat } from "../core/archive-format.ts";
import type { ArchiveEntryType } from "../core/archive-names.ts";
import type { ObjectReader } from "./object-store.ts";

/** One file to be put into an archive. */
export interface PackedFile {
  readonly name: string;
  readonly bytes: number;
  readonly modifiedAtMs: number;
  readonly content: AsyncIterable<Uint8Array>;
}

export interface ArchiveEntry {
  /** As it is written in the archive. */
  readonly name: string;
  readonly type: ArchiveEntryType;
  /** As the archive says. */
  readonly bytes: number;
  /**
   * The bytes, once, before the next entry is asked for; whoever does not want them does not call this.
   * @throws FileError `integrity` for a wrong checksum or length, `unsupported` for what is encrypted or packed in a
   * way that is not known
   */
  content(): AsyncIterable<Uint8Array>;
}

/** Archives, piece by piece: no more than a few pieces are held at a time. */
export interface Archives {
  /** An archive of this one file; the same file always gives the same bytes. */
  pack(format: ArchiveFormat, file: PackedFile): AsyncIterable<Uint8Array>;
  /**
   * What is in the archive, in its order. Nothing of what it says about names and sizes is to be believed.
   * @throws FileError `integrity` for what is no such archive, is damaged or ends too soon; `too-large`
   */
  entries(format: ArchiveFormat, archive: ObjectReader): AsyncIterable<ArchiveEntry>;
}
