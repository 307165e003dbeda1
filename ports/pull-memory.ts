/** A row of looks that failed. Times are ISO 8601. */
export interface PullTrouble {
  /** When the first of them failed. */
  readonly since: string;
  /** When that went on record last. */
  readonly reportedAt: string;
  /** What could not be read there: files, or the folder itself; up to limits.pullFailuresListed. */
  readonly paths: readonly string[];
}

/** What became of one look at a site. Times are ISO 8601. */
export interface PullRun {
  readonly startedAt: string;
  readonly endedAt: string;
  /** How many entries of the folder were files that the pull takes. */
  readonly files: number;
  /** How many of them were fetched, known already, not yet stable, and not fetched although they were to be. */
  readonly fetched: number;
  readonly known: number;
  readonly unstable: number;
  readonly failed: number;
  /** Why the look as a whole failed, in one sentence. */
  readonly failure?: string | undefined;
  /** Undefined when all is well. */
  readonly trouble?: PullTrouble | undefined;
}

/** What pulls remember, over restarts. Every method throws FileError `unavailable`. */
export interface PullMemory {
  /** Those of the ids that are remembered. An id is kept for limits.claimRetentionMs after it was last asked for. */
  known(pull: string, ids: readonly string[]): Promise<ReadonlySet<string>>;
  remember(pull: string, id: string): Promise<void>;
  putRun(pull: string, run: PullRun): Promise<void>;
  /** The last one; undefined for a pull that has not looked yet. */
  run(pull: string): Promise<PullRun | undefined>;
}
