import type { RemoteDestination } from "../core/remote-destination.ts";
import type { VirtualPath } from "../core/virtual-path.ts";

export interface RemoteEntry {
  /** As the site writes it; empty for the folder that the destination names. */
  readonly name: string;
  readonly type: "file" | "directory" | "other";
  /** 0 for what is no file. */
  readonly bytes: number;
  /** By the site's clock; undefined where it does not say. */
  readonly modifiedAtMs: number | undefined;
}

/**
 * What reads of one file know of each other: the first keeps here which version it gives, where the site can tell, and
 * those behind it give that one alone.
 */
export interface VersionPin {
  version: string | undefined;
}

/**
 * The bytes of a file from an offset on, as often as they are asked for: to `send` them, or to `compare` what is at the
 * site with them.
 */
export type RemoteContent = (offset: number, purpose: "send" | "compare") => AsyncIterable<Uint8Array>;

/** What the writes of one content to one path know of each other, over connections and processes. */
export interface Continuation {
  /** What the last write has kept; undefined for the first one. */
  readonly token: string | undefined;
  /** ASCII. */
  keep(token: string): Promise<void>;
}

/** What a site where files appear whole holds of writes that were cut off: nobody sees it, and it takes up room. */
export interface UnfinishedWrites {
  /** Gives the room back; harmless when nothing is held. @throws FileError as every method of a site */
  discard(path: VirtualPath, token: string): Promise<void>;
}

export interface RemoteWrite {
  /** Where the content goes on: 0 begins anew, more goes on behind the bytes that are there. */
  readonly offset: number;
  /** Of the whole file. */
  readonly bytes: number;
  /** Of the whole file, lower-case hex. */
  readonly sha256: string;
  /** False: refuse with `already-exists` where the site can tell at the moment when the file appears. */
  readonly overwrite: boolean;
  /** For sites with `unfinished`: lets the write go on where the one before was cut off. */
  readonly continuation?: Continuation | undefined;
}

export interface RemoteRename {
  readonly overwrite: boolean;
  /** Only the version that was read, where the site can tell. */
  readonly pin?: VersionPin | undefined;
}

/**
 * A connection to a remote site. Paths are those below the folder of the destination. Every method throws FileError:
 * `unavailable` for what may pass, for example a lost connection, and other codes for what the site refuses for good.
 * A site does one thing at a time: the caller waits for the answer before it asks again.
 */
export interface RemoteSite {
  /**
   * `gradual`: a file is visible while it is written, and what is there of it can be continued. `whole`: it appears
   * when all of it has arrived, and a write that was cut off leaves nothing that anybody sees.
   */
  readonly appearance: "gradual" | "whole";
  /** Undefined where a write that was cut off leaves nothing to go on with: without a continuation that is so too. */
  readonly unfinished?: UnfinishedWrites | undefined;
  /** The entries of a folder, in any order. @throws `not-found`; `too-large` for listings over the limits */
  list(folder: VirtualPath): AsyncIterable<RemoteEntry>;
  /** Undefined where nothing is there. */
  stat(path: VirtualPath): Promise<RemoteEntry | undefined>;
  /** SHA-256 of a file in lower-case hex; undefined where the site cannot tell without sending the file. */
  digest(path: VirtualPath): Promise<string | undefined>;
  /** The file's content from `offset` on. @throws `not-found`; `integrity` where another version than that is pinned */
  read(path: VirtualPath, offset: number, pin?: VersionPin): AsyncIterable<Uint8Array>;
  /** Resolves when the site has said that it has all of the content. Parent folders are made as needed. */
  write(path: VirtualPath, content: RemoteContent, options: RemoteWrite): Promise<void>;
  /**
   * Parent folders are made as needed. @throws `already-exists` where the target is there and not to be replaced;
   * `integrity` where another version than that is pinned, which stays
   */
  rename(from: VirtualPath, to: VirtualPath, options: RemoteRename): Promise<void>;
  /** Removes a file; harmless when it is gone. @throws `integrity` where another version than that is pinned stays */
  remove(path: VirtualPath, pin?: VersionPin): Promise<void>;
  /** Ends the connection, and what is under way on it with `unavailable`. Never throws. */
  close(): void;
}

/** The way to remote sites. */
export interface RemoteSites {
  /**
   * Connects and logs in. @throws FileError `unavailable`; `permission-denied` where the login is refused, or where
   * the site does not prove that it is the one that is meant
   */
  open(destination: RemoteDestination): Promise<RemoteSite>;
}
