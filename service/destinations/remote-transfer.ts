import type { RemoteDestination } from "../../core/remote-destination.ts";
import type { RemoteSite } from "../../ports/remote-site.ts";
import type { BytePace } from "./byte-pace.ts";

/** One file on its way to or from a destination, as those who watch see it. */
export interface TransferProgress {
  readonly direction: "push" | "pull";
  readonly destination: string;
  /** The account's path of the file. */
  readonly account: string;
  path: string;
  remotePath: string;
  /** Of the whole file, as far as known. */
  bytes: number | undefined;
  movedBytes: number;
  readonly startedAtMs: number;
  /** This one included. */
  readonly attempts: number;
}

/** A destination whose turn it is: what moves a file there or from there. */
export interface RemoteTurn {
  readonly destination: RemoteDestination;
  readonly pace: BytePace;
  readonly progress: TransferProgress;
  /** Does the work on a connection, which is closed when it fails. */
  withSite<T>(work: (site: RemoteSite) => Promise<T>): Promise<T>;
}
