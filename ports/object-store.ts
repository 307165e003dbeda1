/**
 * Where bytes rest. An objectKey is a relative path such as `acme/inbox/a.pdf`: segments joined by `/`, none of
 * them empty, `.` or `..`; the empty string is the root folder. Implementations must refuse any other key with
 * FileError `invalid-path`, and must never follow a link out of their own tree.
 *
 * The port is AWS-shaped: it asks only what S3 can do atomically, and the local edition obeys the same limits.
 */
export interface StoredEntry {
  readonly type: "file" | "directory";
  /** Bytes; 0 for a directory. */
  readonly size: number;
  readonly modifiedAtMs: number;
  /** Changes whenever the content does; without quotes. Empty for a directory. */
  readonly etag: string;
}

export interface NamedEntry extends StoredEntry {
  readonly name: string;
}

export interface EntryPage {
  readonly entries: readonly NamedEntry[];
  /** Where the page ends, as `after` of the next one; absent on the last page. */
  readonly next: string | undefined;
}

/** One version of one object, pinned at open: what other clients do to the path does not change what is read. */
export interface ObjectReader {
  readonly entry: StoredEntry;
  /**
   * Fills `target` from `position` and answers how many bytes were there: fewer than asked only at the end, 0
   * past it. Calls may overlap.
   */
  read(target: Uint8Array, position: number): Promise<number>;
  close(): Promise<void>;
}

export interface PublishOptions {
  /** The modification time that the client asks for; otherwise one from the upload's beginning on. */
  readonly modifiedAtMs?: number | undefined;
  /** Refuse with `already-exists` when a file is there at the moment of publishing. */
  readonly exclusive?: boolean | undefined;
  /** Refuse with `precondition-failed` unless the object replaced has this etag at the moment of publishing. */
  readonly replacesEtag?: string | undefined;
}

/** An object on its way in. Nothing of it is visible before `publish` resolves. Writes are sequential. */
export interface ObjectWriter {
  /**
   * Takes the next bytes. The caller waits for the promise before it calls again and must not touch `chunk`
   * until then; the promise is the back-pressure.
   */
  write(chunk: Uint8Array): Promise<void>;
  /** Everything written so far survives a crash of the machine, still invisible. */
  flush(): Promise<void>;
  /**
   * Makes the object visible in one step and durable; resolves only when both hold. Parent folders are made as
   * needed. @throws FileError `already-exists`, `precondition-failed`, `not-a-file` (a folder has the name).
   */
  publish(options: PublishOptions): Promise<StoredEntry>;
  /**
   * Ends the upload and has the store keep its bytes for {@link ObjectContents.reopenWrite}, as far as it can. Answers
   * how many can be gone on with: fewer than were written, so that nobody takes them for the whole file. 0 where none
   * can, and after a publish; the transfer stays staged then, as after an abort.
   */
  keep(): Promise<number>;
  /**
   * Gives the bytes back to the store; harmless after a publish. The transfer stays staged until it is discarded, so
   * that whoever crashes between the two finds that it was not published.
   */
  abort(): Promise<void>;
}

/**
 * Whether a file may come along, by its name relative to what is renamed or copied: empty for that itself, `sub/a.pdf`
 * for one below a folder.
 */
export type Admission = (name: string) => boolean;

/** An upload that goes on behind the bytes of another one. */
export interface ReopenedWriter extends ObjectWriter {
  /**
   * Before the first write: gives up what lies behind so many bytes.
   * @throws FileError `unsupported` where the store cannot cut there; from 0 it always can.
   */
  cut(bytes: number): Promise<void>;
}

export interface MoveOptions {
  /** False: refuse with `already-exists` when the target is there. Folders are never replaced. */
  readonly overwrite: boolean;
  /**
   * Asked about every file that would get the new name, in the moment in which it does: none that is published
   * meanwhile comes along unasked. One that may not come along keeps everything where it is, with `permission-denied`.
   * Stores that cannot rename a folder in one moment refuse to with `unsupported`.
   */
  readonly admits?: Admission | undefined;
}

export interface RemoveOptions {
  /** Refuse with `precondition-failed` unless the file has this etag at the moment of its removal. */
  readonly etag?: string | undefined;
}

export interface StatOptions {
  /**
   * A folder that was there moments ago may be said to be there, where asking is dear. What the same store has changed
   * itself always counts.
   */
  readonly recentFolder?: boolean | undefined;
}

/** What is kept of an upload that broke off. */
export interface KeptBytes {
  readonly transferId: string;
  readonly bytes: number;
}

/** Contents of objects. */
export interface ObjectContents {
  /** The entry at the key, or undefined when nothing is there. */
  stat(objectKey: string, options?: StatOptions): Promise<StoredEntry | undefined>;
  /** @throws FileError `not-found`, `not-a-file`. */
  openRead(objectKey: string): Promise<ObjectReader>;
  /**
   * Starts an upload whose bytes are known to the store by `transferId` until it is published or aborted.
   * @throws FileError `not-a-file` when a folder has the name, `not-a-directory` when a parent is a file.
   */
  openWrite(objectKey: string, transferId: string): Promise<ObjectWriter>;
  /** As {@link ObjectWriter.keep}, for an upload whose writer is gone. Answers the same when it is asked again. */
  keep(transferId: string): Promise<number>;
  /**
   * Starts an upload with the first bytes of one that is kept, which is not known any more then: of several that ask,
   * one gets them. @throws FileError `not-found` where so many bytes are not kept, `not-a-file`.
   */
  reopenWrite(objectKey: string, transferId: string, kept: KeptBytes): Promise<ReopenedWriter>;
  /** The transferIds of uploads that are neither published, kept nor discarded. */
  stagedUploads(): Promise<readonly string[]>;
  /**
   * The truth about an upload that was started and whose publish was not answered, for example because of a crash:
   * whether its content was made visible. Changes nothing. A transfer that was discarded must not be asked about.
   */
  outcomeOf(objectKey: string, transferId: string): Promise<"published" | "unpublished">;
  /** Forgets what is staged or kept of an upload; a published file stays. Harmless when there is nothing. */
  discard(transferId: string): Promise<void>;
}

/** Names of objects. Folders exist by themselves and may be empty. */
export interface ObjectNames {
  /**
   * The entries of a folder in S3's order, which is that of their {@link listingPosition}s, at most `limit` (≤
   * limits.listingPageEntries) of them and behind the position `after`. A page may have fewer although more follow.
   * Where a store lists no times of its own, `modifiedAtMs` is when the file was put there, to the second.
   * @throws FileError `not-found`, `not-a-directory`.
   */
  list(directoryKey: string, options: { after?: string | undefined; limit: number }): Promise<EntryPage>;
  /** Makes one folder. @throws FileError `already-exists`, `not-found` (no parent), `not-a-directory`. */
  createDirectory(directoryKey: string): Promise<void>;
  /** Makes a folder and its parents where they are missing. @throws FileError `not-a-directory`. */
  ensureDirectory(directoryKey: string): Promise<void>;
  /**
   * Removes one file, or one empty folder.
   * @throws `not-found`, `not-a-file`, `not-a-directory`, `directory-not-empty`, `precondition-failed`.
   */
  remove(objectKey: string, type: "file" | "directory", options?: RemoveOptions): Promise<void>;
  /**
   * Renames a file or a whole folder.
   * @throws `not-found`, `already-exists`, `not-a-directory`, `invalid-argument` (into itself).
   */
  move(fromKey: string, toKey: string, options: MoveOptions): Promise<void>;
  /** Copies one file inside the store; the copy appears whole. @throws as {@link move}. */
  copy(fromKey: string, toKey: string, options: MoveOptions): Promise<StoredEntry>;
  /** Sets the modification time. @throws `not-found`. */
  setModified(objectKey: string, modifiedAtMs: number): Promise<void>;
}

export interface Capacity {
  readonly totalBytes: number;
  readonly freeBytes: number;
}

export interface ObjectStore extends ObjectContents, ObjectNames {
  /** Undefined where the store has no end (S3). */
  readonly capacity: (() => Promise<Capacity>) | undefined;
}
