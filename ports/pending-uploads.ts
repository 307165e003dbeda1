import type { ObjectWriter } from "./object-store.ts";

/** A file that a client sends in parts, each by itself and in any order. */
export interface PendingUpload {
  readonly uploadId: string;
  readonly accountName: string;
  /** The virtual path that the file is for, as it was authorized at the start. */
  readonly path: string;
  /** Of the whole file, when the client knows. */
  readonly bytes: number | undefined;
  /** The most that one part may have. */
  readonly partSizeBytes: number;
  readonly expiresAtMs: number;
}

/** The uploads that have begun and are neither completed nor given up. They survive a restart. */
export interface PendingUploadStore {
  /** Durable when it resolves. */
  add(upload: PendingUpload): Promise<void>;
  find(uploadId: string): Promise<PendingUpload | undefined>;
  ofAccount(accountName: string): Promise<readonly PendingUpload[]>;
  /** Those whose time is over at `nowMs`, milliseconds since the epoch. */
  expired(nowMs: number): Promise<readonly PendingUpload[]>;
  /** Forgets the upload and its parts; harmless when there is none. */
  remove(uploadId: string): Promise<void>;
}

export interface UploadPart {
  /** From 1 to limits.uploadParts. */
  readonly partNumber: number;
  readonly bytes: number;
}

/** The bytes of pending uploads, where they pass through this server. */
export interface UploadPartStore {
  /**
   * Takes a part whole or not at all, in place of an earlier one of the same number; durable when it resolves. What
   * `content` throws is thrown on. @throws FileError `quota-exceeded`, `not-found` (no such upload).
   */
  write(uploadId: string, partNumber: number, content: AsyncIterable<Uint8Array>): Promise<UploadPart>;
  /** In order of their numbers. */
  list(uploadId: string): Promise<readonly UploadPart[]>;
  /** The bytes of a part, from its first to its last. @throws FileError `not-found`. */
  read(uploadId: string, partNumber: number): AsyncIterable<Uint8Array>;
}

/**
 * Where the parts of pending uploads go straight to the store of files, by URLs that it signs, and become a file there:
 * their bytes never pass this server.
 */
export interface DirectPartStore {
  /** Of every part but the last. */
  readonly smallestPartBytes: number;
  /** Begins an upload to the objectKey. Durable when it resolves. @throws FileError as `ObjectContents.openWrite`. */
  begin(uploadId: string, objectKey: string): Promise<void>;
  /** An absolute URL that takes a PUT of this part for limits.partUrlMs at most. @throws FileError `not-found`. */
  urlOf(uploadId: string, partNumber: number): Promise<string>;
  /** In order of their numbers. @throws FileError `not-found`. */
  list(uploadId: string): Promise<readonly UploadPart[]>;
  /**
   * A writer that has the parts as its content and takes no other; the transfer is known to the object store by
   * `transferId` from then on. What it publishes is these parts; when it is aborted they stay.
   */
  assemble(uploadId: string, transferId: string, parts: readonly UploadPart[]): Promise<ObjectWriter>;
  /** Frees the parts; harmless when there are none, or when they have become a file. */
  remove(uploadId: string): Promise<void>;
}
