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

export interface RemoteWrite {
  /** Where the content goes on: 0 begins anew, more goes on behind the bytes that are there. */
  readonly offset: number;
  /** Of the whole file. */
  readonly bytes: number;
  /** Of the whole file, lower-case hex. */
  readonly sha256: string;
  /** False: refuse with `already-exists` where the site can tell at the moment when the file appears. */
  readonly overwrite: boolean;
}

/**
 * A connection to a remote site. Paths are those below the folder of the destination. Every method throws FileError:
 * `unavailable` for what may pass, for example a lost connection, and other codes for what the site refuses for good.
 * A site does one thing at a time: the caller waits for the answer before it asks again.
 */
export interface RemoteSite {
  /**
   * `gradual`: a file is visible while it is written, and what is there of it can be continued. `whole`: it appears
   * when all of it has arrived, and a write that was cut off leaves nothing.
   */
  readonly appearance: "gradual" | "whole";
  /** The entries of a folder, in any order. @throws `not-found`; `too-large` for listings over the limits */
  list(folder: VirtualPath): AsyncIterable<RemoteEntry>;
  /** Undefined where nothing is there. */
  stat(path: VirtualPath): Promise<RemoteEntry | undefined>;
  /** SHA-256 of a file in lower-case hex; undefined where the site cannot tell without sending the file. */
  digest(path: VirtualPath): Promise<string | undefined>;
  /** The file's content from `offset` on. @throws `not-found` */
  read(path: VirtualPath, offset: number): AsyncIterable<Uint8Array>;
  /** Resolves when the site has said that it has all of the content. Parent folders are made as needed. */
  write(path: VirtualPath, content: AsyncIterable<Uint8Array>, options: RemoteWrite): Promise<void>;
  /** Parent folders are made as needed. @throws `already-exists` where the target is there and not to be replaced */
  rename(from: VirtualPath, to: VirtualPath, options: { readonly overwrite: boolean }): Promise<void>;
  /** Removes a file; harmless when it is gone. */
  remove(path: VirtualPath): Promise<void>;
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
