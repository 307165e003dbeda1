import type { RemoteDestination } from "../../core/remote-destination.ts";
import type { TransferProgress } from "../../core/transfer-progress.ts";
import type { RemoteSite } from "../../ports/remote-site.ts";
import type { BytePace } from "./byte-pace.ts";

/** A destination whose turn it is: what moves a file there or from there. */
export interface RemoteTurn {
  readonly destination: RemoteDestination;
  readonly pace: BytePace;
  readonly progress: TransferProgress;
  /** Does the work on a connection, which is closed when it fails. */
  withSite<T>(work: (site: RemoteSite) => Promise<T>): Promise<T>;
}
