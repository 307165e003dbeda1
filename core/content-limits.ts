const KiB = 1024;
const MiB = 1024 * KiB;
const GiB = 1024 * MiB;
const second = 1000;
const minute = 60 * second;

/** The part of `limits` that is about the content of files: what is scanned, packed and unpacked. */
export const contentLimits = {
  /** What a compressed file may become: this much, and so many times its own size on top. */
  extractedBytes: 100 * MiB,
  extractionRatio: 200,

  archiveEntries: 10_000,
  /** Folders in the name of an entry, the file itself counted. */
  archiveDepth: 32,
  /** Of one file in an archive; all of them together are bounded by extractedBytes and extractionRatio. */
  archiveEntryBytes: 64 * GiB,
  /** Of a name that a message shows. */
  archiveShownName: 200,
  pgpKeys: 500,
  pgpKeysPerStep: 20,
  pgpSignatureBytes: 64 * KiB,
  scanExpressions: 50,
  /** Files that are scanned at the same time; the others wait. */
  scansAtOnce: 4,
  scannerConnectMs: 5 * second,
  /** How long a scanner may say and take nothing. */
  scannerIdleMs: 2 * minute,
  scannerChunkBytes: 64 * KiB,
  /** What may be on its way to a scanner that has closed the connection. */
  scannerUnreadBytes: 8 * MiB,
  /** How long a scanner that closed the connection before is listened to before each write behind that place. */
  scannerListenMs: 20,
  scannerReplyBytes: 4 * KiB,
  /** What a scanner says about a file goes on record up to this length. */
  scanSignatureLength: 200,
  /** How often a scan is tried before the file waits for an operator; the pauses between double. */
  scanTries: 10,
  scanRetryMs: 1 * second,
  scanLongestRetryMs: 5 * minute,
  /** Tries that find no scanner before a file is released unscanned, where the configuration wants that. */
  scanReleaseTries: 3,
  /** How long a client waits behind its upload for the verdict, so that it finds its file; then it comes later. */
  scanAnswerMs: 5 * second,
  /** How long a scanner that answers later has for its verdict. */
  scanPendingMs: 60 * minute,
  /** How long a verdict waits for its upload to be on record, and how often that is looked at. */
  verdictRecordMs: 30 * second,
  verdictRecordRetryMs: 1 * second,
  /** How long an infected file is kept where nothing else is configured, and the longest that can be. */
  quarantineRetentionDays: 30,
  longestQuarantineRetentionDays: 3650,
  quarantineSweepMs: 60 * minute,
  /** What a quarantine holds where nothing else is configured, and what can be configured. */
  quarantineFiles: 20_000,
  mostQuarantineFiles: 1_000_000,
  quarantineBytes: 100 * GiB,
  /** Of the files and of the bytes that it may hold, one account gets this fraction: one half. */
  quarantineShare: 2,
  /** The record of a file in quarantine. */
  quarantineRecordBytes: 128 * KiB,
  quarantinePageEntries: 1000,
  quarantinePageDefaultEntries: 100,
} as const;
