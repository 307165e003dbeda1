export interface LeaseRequest {
  /** What is leased: one of the things of a group, each named. */
  readonly group: string;
  readonly name: string;
  /** Who asks. */
  readonly owner: string;
  readonly leaseMs: number;
}

/** Who has what. */
export interface Lease {
  readonly name: string;
  readonly owner: string;
  /** Milliseconds since the epoch, by the clock of whoever took it. */
  readonly endsAtMs: number;
}

/**
 * Things that one owner has for a while, among processes that share nothing else. A lease that has ended is nobody's.
 * Every method throws FileError `unavailable`.
 */
export interface Leases {
  /** In one step for all owners: true when the lease is the owner's from here on. Asking again extends it. */
  take(request: LeaseRequest): Promise<boolean>;
  /** Who has it at this moment; sees every answer that was given before. */
  find(group: string, name: string): Promise<Lease | undefined>;
  /** What is leased of a group at this moment, in byte order of the names. */
  list(group: string): Promise<readonly Lease[]>;
  /** Gives it back at once. Harmless when it is not the owner's. */
  release(group: string, name: string, owner: string): Promise<void>;
}
