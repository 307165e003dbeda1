/** One version of one object, as another system names it. */
export interface ObjectVersion {
  readonly objectKey: string;
  /** Without quotation marks. */
  readonly etag: string;
  /** Where the store keeps versions. */
  readonly versionId?: string | undefined;
}

/** Where objects come from. */
export interface ObjectOrigins {
  /**
   * The transferId of the upload that made this version; undefined for one that is gone, and for what came into the
   * store on another way. @throws FileError `unavailable`
   */
  transferOf(version: ObjectVersion): Promise<string | undefined>;
  /** Whether an operator let this version out of the quarantine. False for one that is gone. @throws as `transferOf` */
  isReleased(version: ObjectVersion): Promise<boolean>;
}
