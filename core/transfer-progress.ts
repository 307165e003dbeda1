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

/** What went wrong last in the pushes of a destination, until something goes well. */
export interface LaneFailure {
  /** ISO 8601. */
  readonly at: string;
  readonly reason: string;
}
