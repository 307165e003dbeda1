/** What is on record of an upload from its start on, so that a crash leaves nothing unknown behind. */
export interface StagedUpload {
  readonly transferId: string;
  readonly objectKey: string;
  /** The process that has it. */
  readonly owner: string;
  readonly startedAtMs: number;
  /** Undefined until S3 keeps parts of it. */
  readonly multipartId: string | undefined;
  readonly state: StagedState;
  /**
   * What the object says that it was made by, where that is not the transferId: the pending upload of its parts, or the
   * upload that broke off and this one goes on with.
   */
  readonly contentId?: string | undefined;
}

/**
 * `pending` while a client sends parts by itself, which is no transfer yet and nobody's; `open` until its end is known;
 * `kept` when it broke off and its parts wait for another upload, which is nobody's either.
 * What is published or kept stays on record for limits.storeOutcomeMs, to answer for itself.
 */
export type StagedState = "pending" | "open" | "aborted" | "published" | "kept";

/** A rename under way. Nobody else may give or take its two names. */
export interface StagedMove {
  readonly moveId: string;
  readonly fromKey: string;
  readonly toKey: string;
  readonly type: "file" | "directory";
  /** Of the file that moves; empty for a folder. */
  readonly etag: string;
  readonly overwrite: boolean;
  readonly owner: string;
  readonly startedAtMs: number;
}

/** The uploads and renames under way, of all processes. Every change is durable when it resolves. */
export interface StagingRecord {
  add(upload: StagedUpload): Promise<void>;
  find(transferId: string): Promise<StagedUpload | undefined>;
  /** False when the record has been removed, by whoever took this process for dead. */
  change(transferId: string, change: Partial<Pick<StagedUpload, "multipartId" | "state">>): Promise<boolean>;
  remove(transferId: string): Promise<void>;
  /** Puts an upload in the place of one that is kept: false, and nothing changes, where it is not kept any more. */
  replaceKept(transferId: string, upload: StagedUpload): Promise<boolean>;
  /** Those that are open or aborted. One that was added in the last seconds may be missing. */
  unpublished(): Promise<readonly StagedUpload[]>;
  /** Takes both names, unless another rename has one of them: then false. */
  beginMove(move: StagedMove): Promise<boolean>;
  /** The rename that has the name. It has begun when it has both. */
  moveAt(objectKey: string): Promise<StagedMove | undefined>;
  endMove(move: StagedMove): Promise<void>;
  /** As {@link unpublished}. */
  moves(): Promise<readonly StagedMove[]>;
}
