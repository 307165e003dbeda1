/** The newest upload of an account to a place, while it is under way or while bytes of it are kept. */
export interface ResumableUpload {
  readonly accountName: string;
  readonly objectKey: string;
  readonly transferId: string;
  /** What another upload may go on with; undefined while this one is under way. */
  readonly keptBytes: number | undefined;
  /** Milliseconds since the epoch. */
  readonly expiresAtMs: number;
}

/**
 * Which upload of a place may be gone on with. One is known for each account and objectKey, and processes that change
 * it at the same time learn who was first.
 */
export interface ResumableUploadStore {
  find(accountName: string, objectKey: string): Promise<ResumableUpload | undefined>;
  /**
   * Puts the upload in the place of the one with the transferId `instead`, or where none is. False, and nothing
   * changes, where another one is there by now. It survives a restart.
   */
  put(upload: ResumableUpload, instead: string | undefined): Promise<boolean>;
  /** Forgets the upload. False, and nothing changes, where another one is there or none. */
  remove(upload: Pick<ResumableUpload, "accountName" | "objectKey" | "transferId">): Promise<boolean>;
  ofAccount(accountName: string): Promise<readonly ResumableUpload[]>;
  /** Those whose time is over at `nowMs`, some at a time. */
  expired(nowMs: number): Promise<readonly ResumableUpload[]>;
}
